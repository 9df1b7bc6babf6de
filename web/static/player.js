// The player at the foot of a page: two-channel waveform, seek, steps of 5 and 10 s, speed, next and previous,
// comments on places, keyboard.
"use strict";

(() => {
  const SPEEDS = [1, 1.25, 1.5, 2];
  const STEPS = { ArrowLeft: -5, ArrowRight: 5, j: -10, l: 10 };
  const byId = (name) => document.getElementById(`player-${name}`);
  const dock = document.getElementById("player");
  const audio = byId("audio");
  const canvas = byId("wave");
  const seek = byId("seek");
  let peaks = null;
  let current = null;
  let wanted = 0;
  let comments = { address: null, items: [] };
  const noteForm = byId("comment");

  const clock = (seconds) => {
    const whole = Math.floor(Number.isFinite(seconds) ? seconds : 0);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  const buttons = () => [...document.querySelectorAll(".play-button")];
  const buttonOfCurrent = () => buttons().find((button) => button.dataset.recording === current);
  const duration = () => (Number.isFinite(audio.duration) ? audio.duration : peaks ? peaks.seconds : 0);

  const draw = () => {
    const { width, height } = canvas.getBoundingClientRect();
    if (width === 0) {
      return;
    }
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    if (peaks === null) {
      return;
    }
    const style = getComputedStyle(dock);
    const played = duration() > 0 ? audio.currentTime / duration() : 0;
    const bar = 3;
    const count = Math.max(1, Math.floor(width / bar));
    const middle = height / 2;
    peaks.channels.slice(0, 2).forEach((channel, index) => {
      for (let place = 0; place < count; place += 1) {
        const from = Math.floor((place * channel.length) / count);
        const to = Math.max(from + 1, Math.floor(((place + 1) * channel.length) / count));
        let peak = 0;
        for (let each = from; each < to && each < channel.length; each += 1) {
          peak = Math.max(peak, channel[each]);
        }
        const size = Math.max(1, Math.sqrt(peak) * (middle - 1));
        const name = place / count < played ? `--wave-${index}` : `--wave-${index}-quiet`;
        context.fillStyle = style.getPropertyValue(name);
        context.fillRect(place * bar, index === 0 ? middle - size : middle, bar - 1, size);
      }
    });
    context.fillStyle = style.getPropertyValue("--live");
    comments.items.forEach((each) => {
      context.fillRect((each.at_seconds / Math.max(duration(), 0.1)) * width - 1, 0, 2, height);
    });
  };

  const update = () => {
    dock.classList.toggle("is-playing", !audio.paused);
    byId("time").textContent = clock(audio.currentTime);
    byId("length").textContent = clock(duration());
    seek.max = String(duration() || 1);
    seek.value = String(audio.currentTime);
    seek.setAttribute("aria-valuetext", `${clock(audio.currentTime)} / ${clock(duration())}`);
    buttons().forEach((button) => {
      button.classList.toggle("is-playing", button.dataset.recording === current && !audio.paused);
    });
    const all = buttons();
    const place = all.findIndex((button) => button.dataset.recording === current);
    byId("previous").disabled = place <= 0;
    byId("next").disabled = place < 0 || place >= all.length - 1;
    draw();
  };

  const say = (text) => {
    byId("message").textContent = text;
  };

  const show = (items) => {
    comments.items = items;
    const list = byId("comments");
    list.hidden = items.length === 0;
    list.replaceChildren(
      ...items.map((each) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "secondary";
        button.textContent = `${clock(each.at_seconds)} ${each.text}`;
        button.title = `${each.by}: ${each.text}`;
        button.addEventListener("click", () => playFrom(each.at_seconds));
        const item = document.createElement("li");
        item.append(button);
        return item;
      }),
    );
    draw();
  };

  const askComments = async (given) => {
    const { address } = comments;
    if (!address) {
      return false;
    }
    try {
      const answer = await fetch(address, given);
      if (!answer.ok || answer.redirected) {
        return false;
      }
      const { items } = await answer.json();
      if (address === comments.address) {
        show(items);
      }
      return true;
    } catch {
      return false;
    }
  };

  const openNote = (isOpen) => {
    if (noteForm === null || (isOpen && !comments.address)) {
      return;
    }
    noteForm.hidden = !isOpen;
    byId("note").setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      noteForm.dataset.at = audio.currentTime.toFixed(1);
      byId("at").textContent = clock(audio.currentTime);
      noteForm.elements.text.focus();
    }
  };

  const keepNote = async (event) => {
    event.preventDefault();
    const body = new FormData(noteForm);
    body.set("at_seconds", noteForm.dataset.at);
    if (await askComments({ method: "POST", body })) {
      noteForm.reset();
      openNote(false);
      byId("note").focus();
      say("");
    } else {
      say(dock.dataset.unkept);
    }
  };

  const playFrom = (seconds) => {
    audio.currentTime = seconds;
    audio.play().catch(() => update());
  };

  const load = async (button, from = 0) => {
    wanted += 1;
    const mine = wanted;
    current = button.dataset.recording;
    peaks = null;
    dock.hidden = false;
    document.body.classList.add("has-player");
    byId("title").textContent = button.dataset.label;
    byId("download").href = `${current}?download=1`;
    say("");
    openNote(false);
    comments = { address: button.dataset.comments, items: [] };
    show([]);
    if (byId("note") !== null) {
      byId("note").disabled = !comments.address;
    }
    askComments();
    audio.src = current;
    audio.playbackRate = Number(dock.dataset.speed || 1);
    playFrom(from);
    update();
    try {
      const answer = await fetch(button.dataset.peaks);
      if (answer.ok && mine === wanted) {
        peaks = await answer.json();
        update();
      }
    } catch {
      // The sound plays without its picture.
    }
  };

  const toggle = () => (audio.paused ? audio.play().catch(() => update()) : audio.pause());
  const step = (seconds) => {
    audio.currentTime = Math.min(Math.max(0, audio.currentTime + seconds), duration());
  };
  const neighbour = (distance) => {
    const all = buttons();
    const place = all.findIndex((button) => button.dataset.recording === current);
    const button = place < 0 ? undefined : all[place + distance];
    if (button !== undefined) {
      load(button);
    }
  };
  const close = () => {
    const button = buttonOfCurrent();
    audio.pause();
    audio.removeAttribute("src");
    current = null;
    comments = { address: null, items: [] };
    openNote(false);
    dock.hidden = true;
    document.body.classList.remove("has-player");
    update();
    button?.focus();
  };

  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-seek]");
    if (place !== null) {
      const whole = buttons().find((button) => button.dataset.recording === place.dataset.of);
      if (whole !== undefined && place.dataset.of !== current) {
        load(whole, Number(place.dataset.seek));
      } else if (whole !== undefined) {
        playFrom(Number(place.dataset.seek));
      }
    }
    const button = event.target.closest(".play-button");
    if (button !== null) {
      if (button.dataset.recording === current) {
        toggle();
      } else {
        load(button);
      }
    }
  });
  const nextSpeed = () => {
    const following = SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length];
    audio.playbackRate = following;
    dock.dataset.speed = String(following);
    byId("rate").textContent = `${following}×`;
  };

  const KEYS = { n: () => neighbour(1), p: () => neighbour(-1), s: nextSpeed, c: () => openNote(true) };

  document.addEventListener("keydown", (event) => {
    if (dock.hidden || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const isWriting = event.target.closest("input:not([type=range]), textarea, select") !== null;
    const isPressing = event.target.closest("button, a, summary, audio") !== null;
    const scrolls = event.key.startsWith("Arrow") && event.target.closest(".table-scroll") !== null;
    if (event.key === "Escape" && noteForm !== null && !noteForm.hidden) {
      openNote(false);
      byId("note").focus();
    } else if (event.key === "Escape") {
      close();
    } else if (isWriting || scrolls) {
      return;
    } else if (event.key === " " && !isPressing) {
      event.preventDefault();
      toggle();
    } else if (event.key in STEPS) {
      event.preventDefault();
      step(STEPS[event.key]);
    } else if (event.key in KEYS) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });
  byId("toggle").addEventListener("click", toggle);
  dock.querySelectorAll("[data-step]").forEach((button) => {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  });
  byId("previous").addEventListener("click", () => neighbour(-1));
  byId("next").addEventListener("click", () => neighbour(1));
  byId("close").addEventListener("click", close);
  byId("speed").addEventListener("click", nextSpeed);
  byId("note")?.addEventListener("click", () => openNote(noteForm.hidden));
  noteForm?.addEventListener("submit", keepNote);
  seek.addEventListener("input", () => {
    audio.currentTime = Number(seek.value);
    update();
  });
  for (const name of ["play", "pause", "timeupdate", "loadedmetadata", "ended", "seeked"]) {
    audio.addEventListener(name, update);
  }
  audio.addEventListener("error", () => {
    if (current !== null) {
      say(dock.dataset.error);
      update();
    }
  });
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
