// The phone in the browser: SIP by JsSIP, whose messages go through the panel, and a microphone.
"use strict";

(() => {
  const page = document.querySelector(".handset");
  const part = (name) => document.getElementById(`phone-${name}`);
  if (part("switch") === null) {
    return;
  }
  const words = page.dataset;
  const LEAVING_MS = 500;
  const KEPT = "simbridge-phone";
  const MICROPHONE = { NotFoundError: "unplugged", OverconstrainedError: "unplugged", NotReadableError: "taken", AbortError: "taken" };
  const SPECIAL = { "Busy": "busy", "Not Found": "unknown", "Address Incomplete": "unknown", "Rejected": "barred",
    "Unavailable": "unreached", "No Answer": "unreached", "Canceled": "ended", "Terminated": "ended",
    "User Denied Media Access": "silent" };

  // What JsSIP takes for a WebSocket: events from the panel, and a request for each message to it, in their order.
  class PanelSocket {
    constructor(extension) {
      this.url = "wss://panel.invalid";
      this.via_transport = "WSS";
      this.sip_uri = "sip:panel.invalid;transport=ws";
      this.extension = extension;
      this.source = null;
      this.tunnel = null;
      this.token = "";
      this.sent = Promise.resolve();
    }

    connect() {
      const source = new EventSource(`${words.messages}?extension=${encodeURIComponent(this.extension)}`);
      this.source = source;
      source.onmessage = ({ data }) => {
        const told = JSON.parse(data);
        if (told.token) {
          this.token = told.token;
        } else if (told.tunnel) {
          this.tunnel = told.tunnel;
          this.onconnect();
        } else {
          this.ondata(told.sip);
        }
      };
      source.onerror = () => {
        source.close();
        // A page that is left loses its stream first: what it still has to say, as that the call is over, goes out before.
        setTimeout(() => {
          if (this.source === source) {
            this.leave();
            this.ondisconnect(true, 1006, "lost");
          }
        }, LEAVING_MS);
      };
    }

    leave() {
      this.source?.close();
      this.source = this.tunnel = null;
    }

    disconnect() {
      this.sent.finally(() => this.leave());
    }

    send(message) {
      const tunnel = this.tunnel;
      if (tunnel === null) {
        return false;
      }
      const headers = { "Content-Type": "message/sip", "X-CSRFToken": this.token };
      const post = () => fetch(`${words.messages}/${tunnel}`, { method: "POST", body: message, headers, keepalive: true });
      // A page that goes waits for nothing: what it does not send now it never sends, and the call would go on.
      this.sent = (isLeaving ? post() : this.sent.then(post)).catch(() => undefined);
      return true;
    }
  }

  // Tones of the telephone itself: two of them for somebody who calls, one while it rings there.
  class Tones {
    constructor() {
      this.context = null;
      this.timer = null;
    }

    wake() {
      this.context ??= new AudioContext();
      this.context.resume();
    }

    play(hertz, onSeconds, everySeconds) {
      this.stop();
      const once = () => {
        const level = this.context.createGain();
        level.gain.value = 0.08;
        level.connect(this.context.destination);
        for (const each of hertz) {
          const tone = this.context.createOscillator();
          tone.frequency.value = each;
          tone.connect(level);
          tone.start();
          tone.stop(this.context.currentTime + onSeconds);
        }
        this.level = level;
      };
      once();
      this.timer = setInterval(once, everySeconds * 1000);
    }

    stop() {
      clearInterval(this.timer);
      this.level?.disconnect();
      this.level = null;
    }
  }

  const tones = new Tones();
  const title = document.title;
  let phone = null;
  let isLeaving = false;
  let call = null;
  let notice = null;

  const say = (word) => {
    part("state").textContent = words[word] ?? word;
    page.dataset.state = word;
  };

  // What is so while the gateway can be reached.
  const sayHow = () => {
    if (call === null) {
      say("ready");
    } else if (call.isEstablished()) {
      say(call.isOnHold().local ? "waiting" : "talking");
    }
  };

  // Why it cannot be reached.
  const reason = async () => {
    try {
      const answer = await fetch(words.messages, { method: "HEAD" });
      return answer.redirected ? "signedout" : answer.status === 429 ? "crowded" : "away";
    } catch {
      return "away";
    }
  };

  const show = () => {
    const isOn = phone !== null;
    const rings = call !== null && call.direction === "incoming" && !call.isEstablished();
    const talks = call !== null && call.isEstablished();
    part("power").hidden = isOn;
    part("extension").disabled = isOn;
    part("off").hidden = !isOn;
    part("dial").hidden = !isOn || call !== null;
    part("incoming").hidden = !rings;
    part("talk").hidden = call === null || rings;
    part("mute").hidden = part("hold").hidden = !talks;
    part("transfer").hidden = !talks;
    part("keys").hidden = !isOn || rings;
    part("party").hidden = call === null;
    document.title = rings ? `${words.incoming} · ${title}` : title;
  };

  // For somebody who looks at another tab or program.
  const notify = (party) => {
    if ((!document.hidden && document.hasFocus()) || !("Notification" in window) || Notification.permission !== "granted") {
      return;
    }
    try {
      notice = new Notification(words.incoming, { body: party, tag: KEPT, requireInteraction: true });
      notice.onclick = () => { window.focus(); unnotify(); };
    } catch {
      notice = null; // a browser that shows them from service workers only: it rings all the same
    }
  };

  const unnotify = () => {
    notice?.close();
    notice = null;
  };

  const press = (button, isPressed) => button.setAttribute("aria-pressed", String(isPressed));

  const listen = (connection) =>
    connection.addEventListener("track", ({ track }) => {
      part("audio").srcObject = new MediaStream([track]);
    });

  const begin = ({ session, originator }) => {
    if (call !== null) {
      session.terminate({ status_code: 486 });
      return;
    }
    call = session;
    const party = session.remote_identity;
    part("party").textContent = [party.display_name, party.uri.user === "anonymous" ? "" : party.uri.user].filter(Boolean).join(" · ");
    const over = (event) => {
      tones.stop();
      unnotify();
      call = null;
      press(part("mute"), false);
      press(part("hold"), false);
      const isOwn = event.originator === "local" && event.cause !== "User Denied Media Access";
      const isFull = event.message?.status_code === 503;
      say(isOwn ? "ready" : isFull ? "noline" : SPECIAL[event.cause] ?? "failed");
      show();
    };
    session.on("progress", (event) => {
      if (originator === "local" && !event.response?.body) {
        say("ringing");
        tones.play([425], 1, 4);
      } else if (originator === "local") {
        tones.stop();
      }
    });
    session.on("accepted", () => { tones.stop(); unnotify(); });
    session.on("confirmed", () => {
      say("talking");
      show();
      for (const { track } of session.connection.getSenders()) {
        track?.addEventListener("ended", () => call === session && say("pulled"));
      }
    });
    session.on("failed", over);
    session.on("ended", (event) => over({ ...event, cause: "Terminated", originator: "remote" }));
    session.on("hold", ({ originator: by }) => by === "local" && say("waiting"));
    session.on("unhold", () => say("talking"));
    session.on("icecandidate", (event) => event.ready()); // the gateway asks for none: it answers whoever comes
    session.on("peerconnection", ({ peerconnection }) => listen(peerconnection));
    if (session.connection) {
      listen(session.connection);
    }
    if (originator === "remote") {
      say("incoming");
      tones.play([440, 480], 1.5, 4);
      notify(part("party").textContent);
    } else {
      say("calling");
    }
    show();
  };

  const OPTIONS = {
    mediaConstraints: { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true }, video: false },
    pcConfig: { iceServers: [] },
  };

  const switchOn = async (extension) => {
    if (!isSecureContext || !navigator.mediaDevices) {
      say("insecure");
      return;
    }
    tones.wake();
    part("power").disabled = true; // until the person has answered the browser's question
    say("asking");
    try {
      // Asked for now, so that no caller waits for it.
      (await navigator.mediaDevices.getUserMedia(OPTIONS.mediaConstraints)).getTracks().forEach((track) => track.stop());
    } catch (refusal) {
      say(MICROPHONE[refusal.name] ?? "silent");
      return;
    } finally {
      part("power").disabled = false;
    }
    if ("Notification" in window && Notification.permission === "default") {
      Notification.requestPermission().catch(() => undefined);
    }
    sessionStorage.setItem(KEPT, extension);
    say("connecting");
    phone = new JsSIP.UA({
      sockets: [new PanelSocket(extension)],
      uri: `sip:${extension}@simbridge.invalid`,
      register_expires: 120,
      session_timers: false,
      user_agent: "simbridge browser phone",
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 10,
    });
    phone.on("registered", sayHow);
    phone.on("registrationFailed", () => say("away"));
    phone.on("disconnected", async () => {
      const lost = phone;
      if (lost === null) {
        return;
      }
      say("away");
      const why = await reason();
      if (phone === lost && !lost.isConnected()) {
        say(why);
      }
    });
    phone.on("newRTCSession", begin);
    phone.start();
    show();
  };

  const switchOff = () => {
    const old = phone;
    phone = null;
    sessionStorage.removeItem(KEPT);
    old?.stop();
    say("offline");
    show();
  };

  const key = (value) => {
    if (call === null) {
      part("number").value += value;
    } else if (call.isEstablished()) {
      call.sendDTMF(value, { transportType: "RFC2833", duration: 160 });
    }
  };

  part("switch").addEventListener("submit", (event) => {
    event.preventDefault();
    switchOn(part("extension").value);
  });
  part("off").addEventListener("click", switchOff);
  part("dial").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = part("number").value.replace(/[^0-9+*#]/g, "");
    if (number !== "") {
      phone.call(`sip:${encodeURIComponent(number)}@simbridge.invalid`, OPTIONS);
    }
  });
  part("answer").addEventListener("click", () => call?.answer(OPTIONS));
  part("refuse").addEventListener("click", () => call?.terminate({ status_code: 486 }));
  part("hang-up").addEventListener("click", () => call?.terminate());
  part("mute").addEventListener("click", () => {
    const isMuted = call.isMuted().audio;
    isMuted ? call.unmute() : call.mute();
    press(part("mute"), !isMuted);
  });
  part("hold").addEventListener("click", () => {
    const isHeld = call.isOnHold().local;
    const done = () => press(part("hold"), !isHeld);
    isHeld ? call.unhold({}, done) : call.hold({}, done);
  });
  part("transfer").addEventListener("submit", (event) => {
    event.preventDefault();
    const target = part("target").value.replace(/[^0-9+*#]/g, "");
    if (target !== "") {
      call.refer(`sip:${encodeURIComponent(target)}@simbridge.invalid`);
      part("target").value = "";
    }
  });
  part("keys").addEventListener("click", ({ target }) => {
    const pressed = target.closest("[data-key]");
    if (pressed !== null) {
      key(pressed.dataset.key);
    }
  });
  addEventListener("keydown", ({ key: pressed, target, ctrlKey, metaKey, altKey }) => {
    if (/^[0-9*#]$/.test(pressed) && call?.isEstablished() && target.tagName !== "INPUT" && !(ctrlKey || metaKey || altKey)) {
      key(pressed);
    }
  });
  addEventListener("beforeunload", (event) => {
    if (call !== null) {
      event.preventDefault(); // the browser asks whether the page, and the call with it, may go
    }
  });
  addEventListener("pagehide", () => {
    isLeaving = true;
    phone?.stop();
  });
  show();

  // After a reload no browser lets the page ring until it is touched: one press, and it is the same phone again.
  const extension = sessionStorage.getItem(KEPT);
  if ([...part("extension").options].some((each) => each.value === extension)) {
    part("extension").value = extension;
    say("reloaded");
    part("power").focus();
  }
})();
