// Follows the panel's event stream, once per browser: as a shared worker where there is one, within a page elsewhere.
// Reports {state: "open" | "lost" | "away" | "signed-out", topics: [...]}.
"use strict";

const RETRY_MS = 3000;
const POLL_MS = 2000;

const follow = (report) => {
  let source = null;
  let timer = null;
  let hasMissed = false;
  let isAway = false;

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };

  const recover = () => {
    const topics = hasMissed ? ["all"] : [];
    hasMissed = false;
    report({ state: "open", topics });
  };

  // The stream was refused: the gateway is away, nobody is signed in, or too many pages are open; then ask by ourselves.
  const poll = async () => {
    try {
      const answer = await fetch("/news", { method: "HEAD" });
      if (answer.redirected) {
        report({ state: "signed-out", topics: [] });
      } else if (answer.ok) {
        open();
      } else if (answer.status === 429) {
        recover();
        hasMissed = true;
        timer = setTimeout(poll, POLL_MS);
      } else {
        report({ state: "away", topics: [] });
        timer = setTimeout(poll, POLL_MS);
      }
    } catch {
      report({ state: "lost", topics: [] });
      timer = setTimeout(open, RETRY_MS);
    }
  };

  const open = () => {
    close();
    source = new EventSource("/news");
    source.onopen = () => {
      if (!isAway) {
        recover();
      }
    };
    source.onmessage = (message) => {
      const { topics } = JSON.parse(message.data);
      const fresh = topics.filter((topic) => topic !== "away");
      isAway = fresh.length === 0;
      if (isAway) {
        hasMissed = true;
        report({ state: "away", topics: [] });
      } else {
        hasMissed = false;
        report({ state: "open", topics: fresh.includes("all") ? ["all"] : fresh });
      }
    };
    source.onerror = () => {
      hasMissed = true;
      isAway = false;
      if (source.readyState === EventSource.CLOSED) {
        close();
        poll();
      } else {
        report({ state: "lost", topics: [] });
      }
    };
  };

  return {
    open,
    close: () => {
      close();
      hasMissed = true;
    },
  };
};

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  const ports = new Set();
  let last = { state: "open", topics: [] };
  const stream = follow((news) => {
    last = { state: news.state, topics: [] };
    ports.forEach((port) => port.postMessage(news));
  });
  self.onconnect = (event) => {
    const [port] = event.ports;
    port.onmessage = () => {
      ports.delete(port);
      if (ports.size === 0) {
        stream.close();
      }
    };
    const isFirst = ports.size === 0;
    ports.add(port);
    if (isFirst || last.state === "signed-out") {
      stream.open();
    } else {
      port.postMessage(last);
    }
  };
}
