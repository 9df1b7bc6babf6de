// Follows the panel's event stream, once per browser: as a shared worker where there is one, within a page elsewhere.
// Reports {state: "open" | "lost" | "away" | "signed-out", topics: [...]}.
"use strict";

const RETRY_MS = 3000;
const POLL_MS = 2000;
const REMEMBERED_MS = 60000;

const follow = (report) => {
  let source = null;
  let timer = null;
  // Whatever happened before the stream was open is unknown.
  let hasMissed = true;
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
  let recent = [];
  const stream = follow((news) => {
    const now = Date.now();
    recent = recent.filter(({ at }) => at > now - REMEMBERED_MS);
    recent.push({ at: now, topics: news.topics });
    last = { state: news.state, topics: [] };
    ports.forEach((port) => port.postMessage(news));
  });
  self.onconnect = (event) => {
    const [port] = event.ports;
    port.onmessage = ({ data }) => {
      if (data !== "bye") {
        // A page says when it was asked for: what came between that and now it does not show.
        const topics = recent.filter(({ at }) => at >= data.since).flatMap((news) => news.topics);
        port.postMessage({ state: last.state, topics: topics.includes("all") ? ["all"] : [...new Set(topics)] });
        return;
      }
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
