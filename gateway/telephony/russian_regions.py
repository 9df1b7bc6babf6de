"""The regions of Russia as telephone numbers know them: names, clocks, and the codes of their fixed networks (ABC).

Codes: the numbering plan of the Ministry of Digital Development (order 205 of 25 April 2022); zones: the law "On the
Calculation of Time" (107-FZ), by the names of the IANA database. A city that shares its codes or its ranges with the
region around it is one entry with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

MOSCOW = "Europe/Moscow"
URALS = "Asia/Yekaterinburg"


@dataclass(frozen=True, slots=True)
class Region:
    """`stem` is what every spelling of its name has, in the files of the regulator too; `codes` are its ABC codes."""

    key: str
    russian: str
    english: str
    stem: str
    zone: str = MOSCOW
    codes: tuple[int, ...] = ()


# Where one stem holds another (Томск, Омск), the longer one comes first.
REGIONS = (
    Region("moscow", "Москва и Московская область", "Moscow and region", "моск", MOSCOW, (495, 496, 498, 499)),
    Region("petersburg", "Санкт-Петербург и Ленинградская область", "Saint Petersburg and region", "петербург",
           MOSCOW, (812, 813)),
    Region("leningrad", "Санкт-Петербург и Ленинградская область", "Saint Petersburg and region", "ленинград"),
    Region("adygea", "Адыгея", "Adygea", "адыгея", MOSCOW, (877,)),
    Region("altai-republic", "Республика Алтай", "Altai Republic", "республика алтай", "Asia/Barnaul", (388,)),
    Region("altai", "Алтайский край", "Altai Krai", "алтайск", "Asia/Barnaul", (385,)),
    Region("amur", "Амурская область", "Amur Oblast", "амурск", "Asia/Yakutsk", (416,)),
    Region("arkhangelsk", "Архангельская область", "Arkhangelsk Oblast", "архангельск", MOSCOW, (818,)),
    Region("nenets", "Ненецкий автономный округ", "Nenets Okrug", " ненецк"),
    Region("astrakhan", "Астраханская область", "Astrakhan Oblast", "астрахан", "Europe/Astrakhan", (851,)),
    Region("bashkortostan", "Башкортостан", "Bashkortostan", "башкортостан", URALS, (347,)),
    Region("belgorod", "Белгородская область", "Belgorod Oblast", "белгород", MOSCOW, (472,)),
    Region("bryansk", "Брянская область", "Bryansk Oblast", "брянск", MOSCOW, (483,)),
    Region("buryatia", "Бурятия", "Buryatia", "бурятия", "Asia/Irkutsk", (301,)),
    Region("vladimir", "Владимирская область", "Vladimir Oblast", "владимирск", MOSCOW, (492,)),
    Region("volgograd", "Волгоградская область", "Volgograd Oblast", "волгоград", "Europe/Volgograd", (844,)),
    Region("vologda", "Вологодская область", "Vologda Oblast", "вологодск", MOSCOW, (817, 820)),
    Region("voronezh", "Воронежская область", "Voronezh Oblast", "воронеж", MOSCOW, (473,)),
    Region("dagestan", "Дагестан", "Dagestan", "дагестан", MOSCOW, (872,)),
    Region("jewish", "Еврейская автономная область", "Jewish Autonomous Oblast", "еврейск", "Asia/Vladivostok", (426,)),
    Region("transbaikal", "Забайкальский край", "Zabaykalsky Krai", "забайкальск", "Asia/Chita", (302,)),
    Region("ivanovo", "Ивановская область", "Ivanovo Oblast", "ивановск", MOSCOW, (493,)),
    Region("ingushetia", "Ингушетия", "Ingushetia", "ингушетия", MOSCOW, (873,)),
    Region("irkutsk", "Иркутская область", "Irkutsk Oblast", "иркутск", "Asia/Irkutsk", (395,)),
    Region("kabardino-balkaria", "Кабардино-Балкария", "Kabardino-Balkaria", "кабардин", MOSCOW, (866,)),
    Region("kaliningrad", "Калининградская область", "Kaliningrad Oblast", "калининград", "Europe/Kaliningrad", (401,)),
    Region("kalmykia", "Калмыкия", "Kalmykia", "калмыкия", MOSCOW, (847,)),
    Region("kaluga", "Калужская область", "Kaluga Oblast", "калужск", MOSCOW, (484,)),
    Region("kamchatka", "Камчатский край", "Kamchatka Krai", "камчатск", "Asia/Kamchatka", (415,)),
    Region("karachay-cherkessia", "Карачаево-Черкесия", "Karachay-Cherkessia", "карачаев", MOSCOW, (878,)),
    Region("karelia", "Карелия", "Karelia", "карелия", MOSCOW, (814,)),
    Region("kemerovo", "Кемеровская область", "Kemerovo Oblast", "кемеровск", "Asia/Novokuznetsk", (384,)),
    Region("kirov", "Кировская область", "Kirov Oblast", "кировск", "Europe/Kirov", (833,)),
    Region("komi", "Республика Коми", "Komi Republic", "республика коми", MOSCOW, (821,)),
    Region("kostroma", "Костромская область", "Kostroma Oblast", "костромск", MOSCOW, (494,)),
    Region("krasnodar", "Краснодарский край", "Krasnodar Krai", "краснодар", MOSCOW, (861, 862)),
    Region("krasnoyarsk", "Красноярский край", "Krasnoyarsk Krai", "красноярск", "Asia/Krasnoyarsk", (391,)),
    Region("crimea", "Крым", "Crimea", "крым", "Europe/Simferopol", (365,)),
    Region("kurgan", "Курганская область", "Kurgan Oblast", "курган", URALS, (352,)),
    Region("kursk", "Курская область", "Kursk Oblast", "курск", MOSCOW, (471,)),
    Region("lipetsk", "Липецкая область", "Lipetsk Oblast", "липецк", MOSCOW, (474,)),
    Region("magadan", "Магаданская область", "Magadan Oblast", "магадан", "Asia/Magadan", (413,)),
    Region("mari-el", "Марий Эл", "Mari El", "марий", MOSCOW, (836,)),
    Region("mordovia", "Мордовия", "Mordovia", "мордовия", MOSCOW, (834,)),
    Region("murmansk", "Мурманская область", "Murmansk Oblast", "мурманск", MOSCOW, (815,)),
    Region("nizhny-novgorod", "Нижегородская область", "Nizhny Novgorod Oblast", "нижегород", MOSCOW, (831,)),
    Region("novgorod", "Новгородская область", "Novgorod Oblast", "новгород", MOSCOW, (816,)),
    Region("novosibirsk", "Новосибирская область", "Novosibirsk Oblast", "новосибирск", "Asia/Novosibirsk", (383,)),
    Region("tomsk", "Томская область", "Tomsk Oblast", "томск", "Asia/Tomsk", (382,)),
    Region("omsk", "Омская область", "Omsk Oblast", "омск", "Asia/Omsk", (381,)),
    Region("orenburg", "Оренбургская область", "Orenburg Oblast", "оренбург", URALS, (353,)),
    Region("orel", "Орловская область", "Oryol Oblast", "орловск", MOSCOW, (486,)),
    Region("penza", "Пензенская область", "Penza Oblast", "пенз", MOSCOW, (841,)),
    Region("perm", "Пермский край", "Perm Krai", "пермск", URALS, (342,)),
    Region("primorye", "Приморский край", "Primorsky Krai", "приморск", "Asia/Vladivostok", (423,)),
    Region("pskov", "Псковская область", "Pskov Oblast", "псков", MOSCOW, (811,)),
    Region("rostov", "Ростовская область", "Rostov Oblast", "ростов", MOSCOW, (863,)),
    Region("ryazan", "Рязанская область", "Ryazan Oblast", "рязан", MOSCOW, (491,)),
    Region("samara", "Самарская область", "Samara Oblast", "самарск", "Europe/Samara", (846, 848)),
    Region("saratov", "Саратовская область", "Saratov Oblast", "саратов", "Europe/Saratov", (845,)),
    Region("sakhalin", "Сахалинская область", "Sakhalin Oblast", "сахалин", "Asia/Sakhalin", (424,)),
    Region("yakutia", "Якутия (Саха)", "Yakutia (Sakha)", "саха", "Asia/Yakutsk", (411,)),
    Region("sverdlovsk", "Свердловская область", "Sverdlovsk Oblast", "свердловск", URALS, (343,)),
    Region("sevastopol", "Севастополь", "Sevastopol", "севастополь", "Europe/Simferopol", (869,)),
    Region("north-ossetia", "Северная Осетия", "North Ossetia", "осетия", MOSCOW, (867,)),
    Region("smolensk", "Смоленская область", "Smolensk Oblast", "смоленск", MOSCOW, (481,)),
    Region("stavropol", "Ставропольский край", "Stavropol Krai", "ставрополь", MOSCOW, (865, 879)),
    Region("tambov", "Тамбовская область", "Tambov Oblast", "тамбов", MOSCOW, (475,)),
    Region("tatarstan", "Татарстан", "Tatarstan", "татарстан", MOSCOW, (843, 855)),
    Region("tver", "Тверская область", "Tver Oblast", "тверск", MOSCOW, (482,)),
    Region("tula", "Тульская область", "Tula Oblast", "тульск", MOSCOW, (487,)),
    Region("tuva", "Тыва", "Tuva", "тыва", "Asia/Krasnoyarsk", (394,)),
    Region("yugra", "Ханты-Мансийский автономный округ", "Khanty-Mansi Okrug", "ханты", URALS, (346,)),
    Region("yamal", "Ямало-Ненецкий автономный округ", "Yamalo-Nenets Okrug", "ямало", URALS, (349,)),
    Region("tyumen", "Тюменская область", "Tyumen Oblast", "тюмен", URALS, (345,)),
    Region("udmurtia", "Удмуртия", "Udmurtia", "удмурт", "Europe/Samara", (341,)),
    Region("ulyanovsk", "Ульяновская область", "Ulyanovsk Oblast", "ульяновск", "Europe/Ulyanovsk", (842,)),
    Region("khabarovsk", "Хабаровский край", "Khabarovsk Krai", "хабаровск", "Asia/Vladivostok", (421,)),
    Region("khakassia", "Хакасия", "Khakassia", "хакасия", "Asia/Krasnoyarsk", (390,)),
    Region("chelyabinsk", "Челябинская область", "Chelyabinsk Oblast", "челябинск", URALS, (351,)),
    Region("chechnya", "Чеченская Республика", "Chechnya", "чечен", MOSCOW, (871,)),
    Region("chuvashia", "Чувашия", "Chuvashia", "чуваш", MOSCOW, (835,)),
    Region("chukotka", "Чукотский автономный округ", "Chukotka", "чукотск", "Asia/Anadyr", (427,)),
    Region("yaroslavl", "Ярославская область", "Yaroslavl Oblast", "ярослав", MOSCOW, (485,)),
)  # fmt: skip

BY_KEY = {region.key: region for region in REGIONS}
BY_CODE = {code: region for region in REGIONS for code in region.codes}


@lru_cache(maxsize=20_000)
def region_named(text: str) -> Region | None:
    """The region of a place as the regulator writes it: "г. Омск|Омская область"; None for all of Russia.

    What stands last is the region; what stands before it, its towns, may have the name of another.
    """
    for part in reversed(text.split("|")):
        name = f" {part.casefold().replace('ё', 'е').strip()}"
        found = next((region for region in REGIONS if region.stem in name), None)
        if found is not None:
            return found
    return None
