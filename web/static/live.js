// Keeps a page up to date: hears which topics are out of date and lets htmx fetch those parts again.
"use strict";

(() => {
  const SETTLE_MS = 1500;
  const banner = document.getElementById("connection");
  let later = null;

  const tell = (topic) => document.body.dispatchEvent(new CustomEvent(`live-${topic}`));

  const show = (reason) => {
    banner.hidden = reason === null;
    document.body.classList.toggle("is-lost", reason !== null);
    if (reason !== null && banner.textContent !== banner.dataset[reason]) {
      banner.textContent = banner.dataset[reason];
    }
  };

  const hear = ({ state, topics }) => {
    if (state === "signed-out") {
      location.reload();
      return;
    }
    show(state === "open" ? null : state);
    topics.forEach(tell);
    if (topics.includes("history")) {
      // The record of a call is written a moment after the call: look once more.
      clearTimeout(later);
      later = setTimeout(tell, SETTLE_MS, "history");
    }
  };

  // One stream serves all pages of a browser, which keeps only six connections to one host.
  const share = () => {
    const { port } = new SharedWorker(document.body.dataset.news);
    port.onmessage = (message) => hear(message.data);
    port.postMessage({ since: performance.timeOrigin });
    return () => port.postMessage("bye");
  };

  // Without shared workers each page has its own stream, while it is seen.
  const alone = () => {
    const stream = follow(hear);
    document.addEventListener("visibilitychange", () => (document.hidden ? stream.close() : stream.open()));
    if (!document.hidden) {
      stream.open();
    }
    return stream.close;
  };

  const start = () => (typeof SharedWorker === "undefined" ? alone() : share());
  let stop = start();
  addEventListener("pagehide", () => stop());
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      stop = start();
      tell("all");
    }
  });

  // The phone's window is shown, not loaded anew: that would end its call.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[target="simbridge-phone"]');
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    const there = window.open("", link.target);
    if (there === null) {
      return;
    }
    event.preventDefault();
    if (there.location.pathname !== link.pathname) {
      there.location.href = link.href;
    }
    there.focus();
  });

  // Running durations: the difference of the two clocks is taken from the page, so a wrong clock here does not matter.
  const pad = (number) => String(number).padStart(2, "0");
  const offsets = new Map();
  const tick = () => {
    document.querySelectorAll("[data-since]").forEach((element) => {
      const key = element.dataset.now;
      if (!offsets.has(key)) {
        offsets.clear();
        offsets.set(key, Date.parse(key) - Date.now());
      }
      const seconds = Math.max(0, Math.floor((Date.now() + offsets.get(key) - Date.parse(element.dataset.since)) / 1000));
      const text = seconds < 3600
        ? `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`
        : `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
      if (element.textContent !== text) {
        element.textContent = text;
      }
    });
  };
  setInterval(tick, 250);
  tick();
})();
