// Keeps what was typed into a form until its answer is seen: if it was sent in vain, as the session was over or the
// gateway away, it stands in the form again. Passwords, files and hidden fields are not kept.
"use strict";

(() => {
  const KEPT = "simbridge-typed";
  const FLAG = "unsent";
  const wasInVain = document.cookie.split("; ").some((each) => each.startsWith(`${FLAG}=`));
  const answered = () => {
    document.cookie = `${FLAG}=; max-age=0; path=/; samesite=lax`;
  };
  const forms = () => [...document.querySelectorAll("main form[method=post]")];
  const fields = (form) =>
    [...form.elements].filter(({ name, type }) => name && !["password", "file", "hidden", "submit", "button"].includes(type));
  const isTick = ({ type }) => type === "checkbox" || type === "radio";

  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (defaultPrevented || target.method !== "post" || target.closest("main") === null) {
      return;
    }
    const values = fields(target).map((field) => (isTick(field) ? field.checked : field.value));
    answered();
    sessionStorage.setItem(KEPT, JSON.stringify({ action: target.action.split("#")[0], values }));
  });

  if (!wasInVain) {
    sessionStorage.removeItem(KEPT);
    return;
  }
  const typed = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  const form = forms().find((each) => each.action.split("#")[0] === typed?.action);
  if (form === undefined || fields(form).length !== typed.values.length) {
    return;
  }
  fields(form).forEach((field, place) => {
    field[isTick(field) ? "checked" : "value"] = typed.values[place];
  });
  sessionStorage.removeItem(KEPT);
  answered();
  for (let around = form.closest("details"); around !== null; around = around.parentElement.closest("details")) {
    around.open = true;
  }
  const said = document.getElementById("unsent");
  form.prepend(said);
  said.hidden = false;
  said.scrollIntoView({ block: "center" });
})();
