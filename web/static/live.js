// Keeps a page up to date: listens which topics are out of date and lets htmx fetch those parts again.
"use strict";

(() => {
  const RETRY_MS = 3000;
  const POLL_MS = 2000;
  const SETTLE_MS = 1500;
  const banner = document.getElementById("connection");
  let source = null;
  let timer = null;
  let later = null;
  let wasLost = false;

  const tell = (topic) => document.body.dispatchEvent(new CustomEvent(`live-${topic}`));

  const show = (reason) => {
    banner.hidden = reason === null;
    document.body.classList.toggle("is-lost", reason !== null);
    if (reason !== null && banner.textContent !== banner.dataset[reason]) {
      banner.textContent = banner.dataset[reason];
    }
  };

  const back = () => {
    show(null);
    if (wasLost) {
      wasLost = false;
      tell("all");
    }
  };

  // A hidden page needs no news: a browser may keep only six connections to one host.
  const close = () => {
    clearTimeout(timer);
    if (source !== null) {
      source.close();
      source = null;
    }
  };

  const open = () => {
    close();
    source = new EventSource("/news");
    source.onopen = back;
    source.onmessage = (message) => {
      const { topics } = JSON.parse(message.data);
      if (topics.includes("away")) {
        wasLost = true;
        show("away");
      }
      const fresh = topics.filter((topic) => topic !== "away");
      if (fresh.length > 0) {
        wasLost = false;
        show(null);
        (fresh.includes("all") ? ["all"] : fresh).forEach(tell);
        if (fresh.includes("history")) {
          // The record of a call is written a moment after the call: look once more.
          clearTimeout(later);
          later = setTimeout(tell, SETTLE_MS, "history");
        }
      }
    };
    source.onerror = () => {
      const refused = source.readyState === EventSource.CLOSED;
      wasLost = true;
      if (refused) {
        close();
        poll();
      } else {
        show("lost");
      }
    };
  };

  // The stream was refused (too many pages, or signed out): ask by ourselves, and try for a stream now and then.
  const poll = async () => {
    try {
      const answer = await fetch("/news", { method: "HEAD" });
      show(answer.status === 503 || answer.ok ? null : "lost");
      if (answer.redirected) {
        location.reload();
        return;
      }
      tell("all");
      timer = setTimeout(answer.ok ? open : poll, POLL_MS);
    } catch {
      show("lost");
      timer = setTimeout(open, RETRY_MS);
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
    } else {
      wasLost = true;
      open();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      wasLost = true;
      open();
    }
  });
  if (!document.hidden) {
    open();
  }

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
