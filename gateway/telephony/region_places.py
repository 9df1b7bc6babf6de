"""Where the regions of Russia are: their capitals, degrees north and east, to a hundredth (about a kilometre)."""

from __future__ import annotations

CAPITALS: dict[str, tuple[float, float]] = {
    "moscow": (55.76, 37.62), "petersburg": (59.94, 30.31), "leningrad": (59.94, 30.31), "adygea": (44.61, 40.10),
    "altai-republic": (51.96, 85.96), "altai": (53.35, 83.78), "amur": (50.27, 127.54), "arkhangelsk": (64.54, 40.54),
    "nenets": (67.64, 53.01), "astrakhan": (46.35, 48.04), "bashkortostan": (54.74, 55.97), "belgorod": (50.60, 36.59),
    "bryansk": (53.24, 34.36), "buryatia": (51.83, 107.58), "vladimir": (56.13, 40.41), "volgograd": (48.71, 44.51),
    "vologda": (59.22, 39.88), "voronezh": (51.67, 39.18), "dagestan": (42.98, 47.50), "jewish": (48.79, 132.92),
    "transbaikal": (52.03, 113.50), "ivanovo": (57.00, 40.97), "ingushetia": (43.17, 44.80), "irkutsk": (52.29, 104.28),
    "kabardino-balkaria": (43.48, 43.61), "kaliningrad": (54.71, 20.51), "kalmykia": (46.31, 44.26),
    "kaluga": (54.51, 36.26), "kamchatka": (53.02, 158.65), "karachay-cherkessia": (44.23, 42.06),
    "karelia": (61.79, 34.36), "kemerovo": (55.35, 86.09), "kirov": (58.60, 49.67), "komi": (61.67, 50.84),
    "kostroma": (57.77, 40.93), "krasnodar": (45.04, 38.98), "krasnoyarsk": (56.01, 92.87), "crimea": (44.95, 34.10),
    "kurgan": (55.44, 65.34), "kursk": (51.73, 36.19), "lipetsk": (52.61, 39.60), "magadan": (59.56, 150.80),
    "mari-el": (56.63, 47.89), "mordovia": (54.19, 45.18), "murmansk": (68.97, 33.07),
    "nizhny-novgorod": (56.33, 44.00), "novgorod": (58.52, 31.28), "novosibirsk": (55.03, 82.92),
    "tomsk": (56.49, 84.95), "omsk": (54.99, 73.37), "orenburg": (51.77, 55.10), "orel": (52.97, 36.06),
    "penza": (53.20, 45.00), "perm": (58.01, 56.25), "primorye": (43.12, 131.89), "pskov": (57.82, 28.33),
    "rostov": (47.24, 39.71), "ryazan": (54.63, 39.74), "samara": (53.20, 50.15), "saratov": (51.53, 46.03),
    "sakhalin": (46.96, 142.73), "yakutia": (62.03, 129.73), "sverdlovsk": (56.84, 60.61), "sevastopol": (44.62, 33.53),
    "north-ossetia": (43.02, 44.68), "smolensk": (54.78, 32.05), "stavropol": (45.04, 41.97), "tambov": (52.72, 41.45),
    "tatarstan": (55.79, 49.12), "tver": (56.86, 35.91), "tula": (54.19, 37.62), "tuva": (51.72, 94.44),
    "yugra": (61.00, 69.02), "yamal": (66.53, 66.61), "tyumen": (57.15, 65.53), "udmurtia": (56.85, 53.20),
    "ulyanovsk": (54.32, 48.40), "khabarovsk": (48.48, 135.08), "khakassia": (53.72, 91.43),
    "chelyabinsk": (55.16, 61.40), "chechnya": (43.32, 45.69), "chuvashia": (56.13, 47.25), "chukotka": (64.73, 177.51),
    "yaroslavl": (57.63, 39.87),
}  # fmt: skip
