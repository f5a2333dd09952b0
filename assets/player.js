/* The clock of playback: one for all charts and runs. Play, pause, step, speed, scrub, zoom, keys.
 *
 * Nothing is drawn here: `reclaimLab.onClock(listener)` is told where the playhead stands.
 */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});
  const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60];
  const SCRUB_STEPS = 1000;
  const TELL_MS = 100;

  const clock = {
    t: 0, playing: false, speed: 10, live: true, zoom: null,
    duration: 0, // s, of the longest run
    available: 0, // s, simulated in every run so far
    interval: 0.1, // s between samples
  };
  const listeners = [];
  let frame = 0;
  let lastFrame = 0;
  let lastTold = 0;
  let wanted = null; // s, where the run before stood
  let next = null; // the same, for the run that is not loaded yet

  const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

  const fire = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  const state = () => ({
    t: clock.t, duration: clock.duration, playing: clock.playing, speed: clock.speed,
    zoom: clock.zoom, live: clock.live, done: clock.available >= clock.duration,
  });

  /** The playhead stands where there is nothing after it to hide. */
  const atEnd = () => clock.live || clock.t >= clock.available - 1e-9;

  function changed(tell = true) {
    for (const listener of listeners) listener(clock);
    if (!tell) return;
    lastTold = performance.now();
    showBar();
    fire("rl:player", state());
  }

  function tick(now) {
    frame = 0;
    if (!clock.playing) return;
    const passed = Math.min(0.25, (now - lastFrame) / 1000);
    lastFrame = now;
    clock.t = Math.min(clock.t + passed * clock.speed, clock.available);
    if (clock.t >= clock.duration) {
      clock.playing = false;
      changed();
      return;
    }
    changed(now - lastTold > TELL_MS);
    frame = requestAnimationFrame(tick);
  }

  const player = {
    play() {
      wanted = null;
      if (clock.playing || clock.duration <= 0) return;
      if (clock.t >= clock.duration - 1e-9 || clock.live) clock.t = clock.zoom ? clock.zoom[0] : 0;
      clock.live = false;
      clock.playing = true;
      lastFrame = performance.now();
      frame = frame || requestAnimationFrame(tick);
      changed();
    },
    pause() {
      clock.playing = false;
      changed();
    },
    toggle() {
      if (clock.playing) player.pause();
      else player.play();
    },
    /** By samples. */
    step(count = 1) {
      const at = Math.round(clock.t / clock.interval) + count;
      clock.playing = false;
      player.seek(at * clock.interval);
    },
    /** To second `t`; where that is not simulated yet, as far as the run is, and on with it. */
    seek(t) {
      const to = clamp(Number(t) || 0, 0, clock.duration);
      wanted = to > clock.available && !clock.playing ? to : null;
      clock.t = Math.min(to, clock.available);
      clock.live = clock.t >= clock.available - 1e-9 && !clock.playing;
      lastFrame = performance.now();
      changed();
    },
    end() {
      clock.playing = false;
      clock.live = true;
      clock.t = clock.available;
      changed();
    },
    speed(x) {
      clock.speed = clamp(Number(x) || 10, 0.1, 60);
      changed();
    },
    faster(steps = 1) {
      const near = SPEEDS.findIndex((x) => x >= clock.speed - 1e-9);
      player.speed(SPEEDS[clamp((near < 0 ? SPEEDS.length : near) + steps, 0, SPEEDS.length - 1)]);
    },
    zoom(begin, end) {
      const inside = [begin, end].map((t) => clamp(t, 0, clock.duration));
      const [low, high] = inside.sort((a, b) => a - b);
      const least = Math.max(clock.interval * 2, clock.duration * 1e-4);
      if (!(high - low >= least)) return;
      setZoom(high - low >= clock.duration * 0.9995 ? null : [low, high]);
    },
    resetZoom() {
      setZoom(null);
    },
    /** Nearer (2) or further (0.5), around the playhead if it is in sight. */
    zoomBy(factor) {
      const [begin, end] = clock.zoom || [0, clock.duration];
      const inside = clock.t > begin && clock.t < end;
      const middle = inside ? clock.t : (begin + end) / 2;
      const span = Math.min(clock.duration, (end - begin) / factor);
      const low = clamp(middle - span / 2, 0, clock.duration - span);
      player.zoom(low, low + span);
    },
    state,
  };

  function setZoom(zoom) {
    const same = (clock.zoom || []).join() === (zoom || []).join();
    clock.zoom = zoom;
    if (same) return;
    changed();
    fire("rl:zoom", zoom ? { t0: zoom[0], t1: zoom[1] } : { t0: null, t1: null });
  }

  /** New runs, or more of them simulated. */
  function extend(duration, available, interval) {
    Object.assign(clock, { duration, available });
    // A zoom stays while controls change, as the link says, unless the run has no such time.
    if (clock.zoom && clock.zoom[1] > duration + 1e-9) setZoom(null);
    if (interval > 0) clock.interval = interval;
    if (clock.live) clock.t = available;
    if (wanted !== null && available >= Math.min(wanted, duration)) {
      const t = wanted;
      wanted = null;
      player.seek(t);
      return;
    }
    changed();
  }

  /** To be there again when the run that is loaded next has come so far. */
  function resume(t) {
    next = t;
  }

  function reset() {
    [wanted, next] = [next, null];
    Object.assign(clock, {
      t: 0, playing: false, live: true, duration: 0, available: 0,
    });
    changed();
  }

  // ---- the bar

  const all = (what) => document.querySelectorAll(`[data-player="${what}"]`);

  const digits = () => (clock.interval < 0.01 ? 3 : clock.interval < 0.1 ? 2 : 1);

  function showBar() {
    const text = `${clock.t.toFixed(digits())} s of ${clock.duration.toFixed(0)} s`;
    for (const button of all("play")) {
      const label = clock.playing ? "Pause" : "Play";
      button.setAttribute("aria-label", label);
      button.title = `${label} (space)`;
      button.dataset.playing = String(clock.playing);
      button.disabled = clock.duration <= 0;
    }
    for (const output of all("time")) if (output.textContent !== text) output.textContent = text;
    for (const scrub of all("scrub")) {
      if (scrub.max !== String(SCRUB_STEPS)) {
        Object.assign(scrub, { min: 0, max: SCRUB_STEPS, step: 1 });
      }
      const part = clock.duration > 0 ? clock.t / clock.duration : 0;
      scrub.value = Math.round(part * SCRUB_STEPS);
      scrub.setAttribute("aria-valuetext", text);
    }
    for (const select of all("speed")) showSpeed(select);
    for (const button of all("zoom-reset")) button.disabled = !clock.zoom;
  }

  function showSpeed(select) {
    if (!select.options.length) {
      select.append(...SPEEDS.map((x) => new Option(`${x}×`, x)));
    }
    let option = [...select.options].find((o) => Number(o.value) === clock.speed);
    if (!option) {
      option = new Option(`${clock.speed}×`, clock.speed);
      select.append(option);
    }
    select.value = option.value;
  }

  const BUTTONS = {
    play: player.toggle,
    home: () => player.seek(0),
    end: player.end,
    back: () => player.step(-1),
    forward: () => player.step(1),
    slower: () => player.faster(-1),
    faster: () => player.faster(1),
    "zoom-in": () => player.zoomBy(2),
    "zoom-out": () => player.zoomBy(0.5),
    "zoom-reset": player.resetZoom,
  };

  const KEYS = {
    " ": () => player.toggle(),
    ArrowLeft: (event) => player.step(event.shiftKey ? -10 : -1),
    ArrowRight: (event) => player.step(event.shiftKey ? 10 : 1),
    Home: () => player.seek(0),
    End: () => player.end(),
    l: () => player.end(),
    "[": () => player.faster(-1),
    "]": () => player.faster(1),
    "+": () => player.zoomBy(2),
    "=": () => player.zoomBy(2),
    "-": () => player.zoomBy(0.5),
    0: () => player.resetZoom(),
  };

  const FIELDS = "input, select, textarea, [contenteditable], dialog";
  const OWN_ARROWS =
    "[role=tab], [role=menuitem], [role=option], [role=radio], [role=slider], [role=grid]";
  const OWN_SPACE = "button, a, summary, [role=button], [role=tab], [role=switch]";

  /** Whether the focused element wants this key for itself. */
  function taken(event) {
    const { target, key } = event;
    if (!(target instanceof Element)) return false;
    if (target.closest(FIELDS)) return true;
    if (key === " ") return Boolean(target.closest(OWN_SPACE));
    const arrows = ["ArrowLeft", "ArrowRight", "Home", "End"].includes(key);
    return arrows && Boolean(target.closest(OWN_ARROWS));
  }

  function listen() {
    document.addEventListener("click", (event) => {
      const button = event.target.closest && event.target.closest("button[data-player]");
      const action = button && BUTTONS[button.dataset.player];
      if (action) action();
    });
    document.addEventListener("input", (event) => {
      if (event.target.dataset && event.target.dataset.player === "scrub") {
        player.seek((Number(event.target.value) / SCRUB_STEPS) * clock.duration);
      }
    });
    document.addEventListener("change", (event) => {
      if (event.target.dataset && event.target.dataset.player === "speed") {
        player.speed(event.target.value);
      }
    });
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const action = KEYS[event.key] || KEYS[event.key.toLowerCase()];
      if (!action || clock.duration <= 0 || taken(event)) return;
      event.preventDefault();
      action(event);
    });
  }

  lab.player = player;
  lab.clock = { extend, reset, resume, atEnd, showBar, state: clock };
  lab.onClock = (listener) => listeners.push(listener);
  lab.fire = fire;
  listen();
})(window);
