// The phone in the browser: SIP by JsSIP, whose messages go through the panel, and a microphone.
"use strict";

(() => {
  const page = document.querySelector(".handset");
  const part = (name) => document.getElementById(`phone-${name}`);
  if (part("switch") === null) {
    return;
  }
  const words = page.dataset;
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
        if (this.source === source) {
          this.leave();
          this.ondisconnect(true, 1006, "lost");
        }
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
      this.sent = this.sent
        .then(() => fetch(`${words.messages}/${tunnel}`, { method: "POST", body: message, headers, keepalive: true }))
        .catch(() => undefined);
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
  let call = null;

  const say = (word) => {
    part("state").textContent = words[word] ?? word;
    page.dataset.state = word;
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
    part("party").textContent = [party.display_name, party.uri.user].filter(Boolean).join(" · ");
    const over = (event) => {
      tones.stop();
      call = null;
      press(part("mute"), false);
      press(part("hold"), false);
      say(event.originator === "local" && event.cause !== "User Denied Media Access" ? "ready" : SPECIAL[event.cause] ?? "failed");
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
    session.on("accepted", () => tones.stop());
    session.on("confirmed", () => { say("talking"); show(); });
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
    try {
      // Asked for now, so that no caller waits for it.
      (await navigator.mediaDevices.getUserMedia(OPTIONS.mediaConstraints)).getTracks().forEach((track) => track.stop());
    } catch {
      say("silent");
      return;
    }
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
    phone.on("registered", () => call === null && say("ready"));
    phone.on("registrationFailed", () => say("away"));
    phone.on("disconnected", () => phone !== null && say("away"));
    phone.on("newRTCSession", begin);
    phone.start();
    show();
  };

  const switchOff = () => {
    const old = phone;
    phone = null;
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
  addEventListener("pagehide", () => phone?.stop());
  show();
})();
