// The search box of the whole panel: Ctrl+K or "/" opens it, arrows go through what is found, Escape closes it.
// Without this script the picture in the head leads to the page of the search.
"use strict";

(() => {
  const box = document.getElementById("search");
  const input = box.querySelector("input");

  const open = () => {
    if (!box.open) {
      box.showModal();
    }
    input.focus();
    input.select();
  };

  const isWriting = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  const links = () => [...box.querySelectorAll(".found a")];

  const move = (step) => {
    const stops = [input, ...links()];
    const place = stops.indexOf(document.activeElement);
    stops[(place + step + stops.length) % stops.length].focus();
  };

  document.addEventListener("keydown", (event) => {
    const isShortcut = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isWriting(event.target);
    if (isShortcut || isSlash) {
      event.preventDefault();
      open();
    }
  });

  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      event.preventDefault(); // which would empty the field first
      box.close();
    }
    if (!(event.ctrlKey || event.metaKey)) {
      event.stopPropagation(); // the player's keys are not meant here
    }
  });

  box.querySelector("form").addEventListener("submit", (event) => {
    const first = links().at(0);
    if (first !== undefined && box.dataset.sought === input.value) {
      event.preventDefault();
      first.click();
    }
  });

  // What is shown may be of what was typed before.
  input.addEventListener("input", () => delete box.dataset.sought);
  box.addEventListener("htmx:after:swap", () => {
    box.dataset.sought = input.value;
  });

  box.addEventListener("click", (event) => {
    if (event.target === box || event.target.closest(".found a") !== null) { // a place on this page loads nothing
      box.close();
    }
  });
  box.querySelector("[data-close]").addEventListener("click", () => box.close());
  document.getElementById("search-open").addEventListener("click", (event) => {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      open();
    }
  });
})();
