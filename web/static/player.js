// The player at the foot of a page: two-channel waveform, seek, 10 s steps, speed, next and previous, keyboard.
"use strict";

(() => {
  const SPEEDS = [1, 1.25, 1.5, 2];
  const STEP_SECONDS = 10;
  const byId = (name) => document.getElementById(`player-${name}`);
  const dock = document.getElementById("player");
  const audio = byId("audio");
  const canvas = byId("wave");
  const seek = byId("seek");
  let peaks = null;
  let current = null;
  let wanted = 0;

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

  const load = async (button) => {
    wanted += 1;
    const mine = wanted;
    current = button.dataset.recording;
    peaks = null;
    dock.hidden = false;
    document.body.classList.add("has-player");
    byId("title").textContent = button.dataset.label;
    byId("download").href = `${current}?download=1`;
    say("");
    audio.src = current;
    audio.playbackRate = Number(dock.dataset.speed || 1);
    audio.play().catch(() => update());
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
    dock.hidden = true;
    document.body.classList.remove("has-player");
    update();
    button?.focus();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".play-button");
    if (button !== null) {
      if (button.dataset.recording === current) {
        toggle();
      } else {
        load(button);
      }
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]), textarea, select, button, a, audio");
    if (dock.hidden || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "Escape") {
      close();
    } else if (typing === null && event.key === " ") {
      event.preventDefault();
      toggle();
    } else if (typing === null && event.key === "j") {
      step(-STEP_SECONDS);
    } else if (typing === null && event.key === "l") {
      step(STEP_SECONDS);
    } else if (typing === null && event.key === "n") {
      neighbour(1);
    } else if (typing === null && event.key === "p") {
      neighbour(-1);
    }
  });
  byId("toggle").addEventListener("click", toggle);
  byId("back").addEventListener("click", () => step(-STEP_SECONDS));
  byId("forward").addEventListener("click", () => step(STEP_SECONDS));
  byId("previous").addEventListener("click", () => neighbour(-1));
  byId("next").addEventListener("click", () => neighbour(1));
  byId("close").addEventListener("click", close);
  byId("speed").addEventListener("click", () => {
    const following = SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length];
    audio.playbackRate = following;
    dock.dataset.speed = String(following);
    byId("rate").textContent = `${following}×`;
  });
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
