// "Call me back" on the shop's own web site. One script tag, from the shop's own gateway:
//   <script src="https://gateway.example/widget.js" data-language="ru" data-side="right" data-colour="#0b6bcb" async></script>
// It never opens by itself, asks nobody but the gateway, and needs no more of the page's content policy than
//   script-src https://gateway.example; connect-src https://gateway.example
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || !script.src || document.querySelector("[data-simbridge-widget]")) return;
  const gateway = new URL(".", script.src);
  const given = script.dataset;
  const language = (given.language || document.documentElement.lang || navigator.language || "ru").slice(0, 2) === "en" ? "en" : "ru";
  const words = {
    ru: {
      button: "Перезвоните мне", title: "Мы вам перезвоним", phone: "Ваш телефон", name: "Как к вам обращаться",
      when: "Когда позвонить", now: "Сейчас", opening: "Когда откроемся: {time}", send: "Жду звонка", close: "Закрыть",
      sending: "Отправляем …", promisedNow: "Спасибо! Позвоним, как только освободится сотрудник.",
      promised: "Спасибо! Позвоним: {time}.", policy: "Как мы обращаемся с данными",
      "number-barred": "На этот номер мы позвонить не можем. Проверьте его.",
      "call-back-limit": "Больше заявок сейчас не принимаем. Позвоните нам, пожалуйста.",
      "not-within-hours": "В это время мы закрыты. Выберите другое.",
      "form-too-old": "Форма устарела, мы её обновили. Нажмите ещё раз.",
      fault: "Сейчас не получается. Позвоните нам, пожалуйста.",
    },
    en: {
      button: "Call me back", title: "We call you back", phone: "Your phone", name: "Your name",
      when: "When to call", now: "Now", opening: "When we open: {time}", send: "Call me", close: "Close",
      sending: "Sending …", promisedNow: "Thank you! We call as soon as somebody is free.",
      promised: "Thank you! We call: {time}.", policy: "How we treat your data",
      "number-barred": "We cannot call this number. Please check it.",
      "call-back-limit": "We take no more wishes now. Please call us.",
      "not-within-hours": "We are closed then. Please choose another time.",
      "form-too-old": "The form was too old and is fresh now. Please press again.",
      fault: "That does not work now. Please call us.",
    },
  }[language];
  const colour = /^#[0-9a-f]{6}$/i.test(given.colour || "") ? given.colour : "#0b6bcb";
  const side = given.side === "left" ? "left" : "right";

  // Where the visitor came from: the first page of the visit says it, later ones have forgotten.
  const MARKS = ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "yclid", "gclid", "ymclid"];
  const here = () => location.href.split("#")[0];
  const cookie = (name) => (document.cookie.split("; ").find((each) => each.startsWith(name + "=")) || "").slice(name.length + 1);
  const visit = () => {
    const asked = new URLSearchParams(location.search);
    const marks = Object.fromEntries(MARKS.map((name) => [name, asked.get(name)]).filter(([, value]) => value));
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem("simbridge-visit")); } catch { /* the page forbids it: this page is all we know */ }
    if (!kept || Object.keys(marks).length) kept = { landing_url: here(), referrer: document.referrer, ...marks };
    try { sessionStorage.setItem("simbridge-visit", JSON.stringify(kept)); } catch { /* as above */ }
    return kept;
  };
  const came = visit();
  const about = () => {
    const ga = cookie("_ga").split(".").slice(-2).join(".");
    const found = { ...came, page_url: here(), ym_client_id: cookie("_ym_uid"), ga_client_id: ga };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value));
  };

  const make = (name, attributes = {}, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...inside);
    return element;
  };
  const labelled = (text, field) => make("label", {}, make("span", {}, text), field);
  const host = make("div", { "data-simbridge-widget": "" });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; }
    * { box-sizing: border-box; font: 16px/1.4 system-ui, sans-serif; }
    button { border: 0; border-radius: 10px; padding: 12px 18px; background: ${colour}; color: #fff; cursor: pointer; }
    button:focus-visible, input:focus-visible, select:focus-visible, a:focus-visible { outline: 3px solid #111; outline-offset: 2px; }
    .open { position: fixed; ${side}: 16px; bottom: 16px; z-index: 2147483000; box-shadow: 0 2px 10px rgb(0 0 0 / 30%); }
    dialog { border: 0; border-radius: 14px; padding: 20px; width: min(360px, calc(100vw - 32px)); color: #111; background: #fff; }
    dialog::backdrop { background: rgb(0 0 0 / 40%); }
    h2 { font-size: 20px; font-weight: 600; margin: 0 0 12px; }
    label { display: block; margin: 0 0 12px; }
    input:not([type=checkbox]), select { display: block; width: 100%; padding: 10px; border: 1px solid #767676; border-radius: 8px; background: #fff; color: #111; }
    .consent { display: flex; gap: 8px; align-items: flex-start; }
    .consent span { font-size: 14px; }
    a { color: #0b57a4; font-size: 14px; }
    .trap { position: absolute; left: -9999px; width: 1px; height: 1px; overflow: hidden; }
    .foot { display: flex; gap: 8px; margin-top: 12px; }
    .foot .close { background: #e8e8e8; color: #111; }
    [role=status] { min-height: 1.4em; margin: 12px 0 0; }
    [hidden] { display: none; }
  `);
  root.adoptedStyleSheets = [sheet];

  const open = make("button", { type: "button", class: "open", "aria-haspopup": "dialog" }, given.label || words.button);
  const title = make("h2", { id: "title" }, words.title);
  const phone = make("input", { name: "phone", type: "tel", autocomplete: "tel", required: "", maxlength: "32" });
  const name = make("input", { name: "name", autocomplete: "name", maxlength: "60" });
  const when = make("select", { name: "when" });
  const trap = make("input", { name: "website", tabindex: "-1", autocomplete: "off" });
  const agree = make("input", { name: "consent", type: "checkbox", required: "" });
  const sentence = make("span");
  const policy = make("a", { target: "_blank", rel: "noopener", hidden: "" }, words.policy);
  const send = make("button", { type: "submit" }, words.send);
  const close = make("button", { type: "button", class: "close" }, words.close);
  const fields = make("div", {}, labelled(words.phone, phone), labelled(words.name, name), labelled(words.when, when),
    make("div", { class: "trap", "aria-hidden": "true" }, trap), make("label", { class: "consent" }, agree, sentence), policy);
  const status = make("p", { role: "status" });
  const form = make("form", {}, title, fields, status, make("div", { class: "foot" }, send, close));
  const dialog = make("dialog", { "aria-labelledby": "title" }, form);
  root.append(open, dialog);

  let shown = null; // what the gateway has said of the form
  const told = (moment) => new Intl.DateTimeFormat(language, {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: shown.time_zone,
  }).format(new Date(moment));
  const asking = async (path, options) => {
    const answer = await fetch(new URL(path, gateway), { credentials: "omit", ...options });
    const content = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(content.code), { code: content.code });
    return content;
  };
  const sorry = (fault) => { status.textContent = words[fault.code] || words.fault; };

  const refresh = async () => {
    shown = await asking(`widget/form?language=${language}`);
    title.textContent = shown.title || words.title;
    sentence.textContent = shown.consent;
    policy.hidden = !shown.policy_url;
    if (shown.policy_url) policy.href = shown.policy_url;
    const first = shown.is_open || !shown.opens_at ? words.now : words.opening.replace("{time}", told(shown.opens_at));
    const chosen = when.value;
    when.replaceChildren(new Option(first, ""), ...shown.times.map((each) => new Option(told(each), each)));
    when.value = shown.times.includes(chosen) ? chosen : "";
  };

  open.addEventListener("click", async () => {
    fields.hidden = send.hidden = false;
    status.textContent = "";
    dialog.showModal();
    phone.focus();
    send.disabled = true;
    try {
      await refresh();
      send.disabled = false;
    } catch (fault) {
      sorry(fault);
    }
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => open.focus());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.disabled) return;
    send.disabled = true;
    status.textContent = words.sending;
    const wish = {
      ...about(), token: shown.token, language, phone: phone.value, name: name.value, at: when.value || null,
      consent: agree.checked, website: trap.value,
    };
    try {
      const promised = await asking("widget/wishes", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wish),
      });
      const soon = !wish.at && shown.is_open;
      status.textContent = soon ? words.promisedNow : words.promised.replace("{time}", told(promised.due_at));
      fields.hidden = send.hidden = true;
      close.focus();
    } catch (fault) {
      try { await refresh(); } catch { /* what is told below says enough */ }
      sorry(fault);
      send.disabled = false;
    }
  });
  const show = () => document.body.append(host);
  if (document.body) show(); else addEventListener("DOMContentLoaded", show);
})();
