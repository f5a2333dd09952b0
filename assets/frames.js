/* A run's messages (RLF1, dashboard/services/frames.py) gathered into arrays, as they arrive. */
(function (root) {
  "use strict";

  const MAGIC = 0x31464c52; // "RLF1", little-endian
  const GIB_PER_BLOCK = 4096 / 2 ** 30;
  const POLL_MS = 250;
  const FIRST_POLL_MS = 20; // and half as much again until POLL_MS: first data come in 0.2 s
  const RETRIES = 8;
  const UNKNOWN_ISSUER = 7;
  const TYPES = {
    i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array,
    u4: Uint32Array, f4: Float32Array, f8: Float64Array,
  };

  /** An array that grows; `view()` is what has been filled. */
  class Growing {
    constructor(fill) {
      this.fill = fill;
      this.length = 0;
      this.data = new Float64Array(256);
    }

    room(length) {
      if (length > this.data.length) {
        const larger = new Float64Array(Math.max(length, this.data.length * 2));
        larger.set(this.data);
        this.data = larger;
      }
      while (this.length < length) this.data[this.length++] = this.fill;
      return this.data;
    }

    view() {
      return this.data.subarray(0, this.length);
    }
  }

  /** Messages of a buffer: [{header, payload: offset of its arrays in the buffer}]. */
  function messagesOf(buffer) {
    const out = [];
    const view = new DataView(buffer);
    const text = new TextDecoder();
    for (let at = 0; at < buffer.byteLength;) {
      if (view.getUint32(at, true) !== MAGIC) throw new Error(`no message at byte ${at}`);
      const length = view.getUint32(at + 4, true);
      const header = JSON.parse(text.decode(new Uint8Array(buffer, at + 8, length)));
      out.push({ header, payload: at + 8 + length });
      at += 8 + length + header.bytes;
    }
    return out;
  }

  /** Everything the charts read of one run. */
  class RunBuffer {
    constructor(key, label, about) {
      this.key = key;
      this.label = label;
      this.about = { ...about };
      this.duration_s = 0;
      this.done = false;
      this.fraction = 0;
      this.simulated_s = 0;
      this.next = 0;
      this.version = 0;
      this.headline = {};
      this.families = {};
      this.units = {};
      this.columns = {};
      this.events = {};
      this.totals = {};
      this._series = {};
      this._events = {};
      this._rows = 0;
      this.times = new Float64Array(0);
    }

    get memcgs() {
      return (this.about.memcgs || []).slice(1);
    }

    taskName(task) {
      const known = (this.about.tasks || [])[task];
      return (known && (known.name || known.comm)) || `task ${task}`;
    }

    /** Take the messages of one answer. */
    append(buffer) {
      for (const { header, payload } of messagesOf(buffer)) {
        if (header.k < this.next) continue; // asked for twice
        this._take(header, buffer, payload);
      }
      this._refresh();
    }

    _take(header, buffer, payload) {
      this.next = header.next;
      this.done = header.done;
      this.fraction = header.fraction;
      this.simulated_s = Number(header.t_end_ns) / 1e9;
      this.duration_s = Number(header.duration_ns) / 1e9;
      if (header.headline) this.headline = header.headline;
      if (header.families) Object.assign(this.families, header.families);
      if (header.victims) this.events.victims = header.victims;
      if (header.first) {
        // What the page said about the run (its title) stays; the run says the rest.
        const known = Object.entries(this.about).filter(([, value]) => value !== undefined);
        this.about = { ...header.first, ...Object.fromEntries(known) };
      }
      this._takeSeries(header, buffer, payload);
      for (const [family, events] of Object.entries(header.events || {})) {
        this._takeEvents(family, events, Number(header.t0_ns) / 1e9, buffer, payload);
      }
    }

    _takeSeries(header, buffer, payload) {
      if (!header.series.length) return;
      const count = header.series[0].n;
      const start = header.part > 0 ? this._rows - count : this._rows;
      for (const about of header.series) {
        this.units[about.name] = about.unit;
        const column = (this._series[about.name] ||= new Growing(NaN));
        column.room(start);
        const data = column.room(start + about.n);
        const raw = new TYPES[about.dtype](buffer, payload + about.offset, about.n);
        if (about.dtype === "i4") {
          let sum = about.base;
          for (let i = 0; i < about.n; i++) {
            sum += raw[i];
            data[start + i] = sum * about.scale;
          }
        } else {
          data.set(raw, start);
        }
      }
      this._rows = start + count;
    }

    _takeEvents(family, events, t0, buffer, payload) {
      const all = (this._events[family] ||= {});
      const at = (all.t ||= new Growing(0)).length;
      for (const [name, { dtype, offset, delta }] of Object.entries(events.columns)) {
        let raw = new TYPES[dtype](buffer, payload + offset, events.n);
        if (delta) {
          raw = raw.slice(); // the answer itself is not ours to change
          for (let i = 1; i < raw.length; i++) raw[i] += raw[i - 1];
        }
        const column = (all[name] ||= new Growing(-1));
        column.room(at);
        const data = column.room(at + events.n);
        if (name === "t") for (let i = 0; i < events.n; i++) data[at + i] = t0 + raw[i] / 1e6;
        else if (name === "offset") {
          for (let i = 0; i < events.n; i++) data[at + i] = raw[i] * GIB_PER_BLOCK;
        } else data.set(raw, at);
        if (name === "issuer") {
          for (let i = 0; i < events.n; i++) if (raw[i] === 255) data[at + i] = UNKNOWN_ISSUER;
        }
      }
      if (family === "stalls") this._spans(all, at, events.n);
      this.totals[family] = (this.totals[family] || 0) + events.total;
    }

    /** Length in s and beginning of stalls. */
    _spans(all, at, n) {
      const length = (all.length ||= new Growing(0)).room(at + n);
      const begin = (all.begin ||= new Growing(0)).room(at + n);
      for (let i = at; i < at + n; i++) {
        length[i] = all.len_us.data[i] / 1e6;
        begin[i] = all.t.data[i] - length[i];
      }
    }

    _refresh() {
      const columns = {};
      for (const [name, column] of Object.entries(this._series)) {
        column.room(this._rows);
        columns[name] = column.view();
      }
      this.times = columns.t_s || new Float64Array(0);
      delete columns.t_s;
      this.columns = columns;
      for (const [family, all] of Object.entries(this._events)) {
        this.events[family] = Object.fromEntries(
          Object.entries(all).map(([name, column]) => [name, column.view()]));
      }
      this.version += 1;
    }
  }

  const wait = (ms, signal) => new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });

  /**
   * Ask for a run's messages until it is done, failed or no longer wanted.
   *
   * `tell({state, position, message, lost})` is called at each answer.
   */
  async function follow(run, options) {
    const { viewer, signal, tell } = options;
    let failures = 0;
    let pause_ms = FIRST_POLL_MS;
    while (!signal.aborted && !run.done) {
      let response;
      try {
        response = await fetch(`/api/frames/${encodeURIComponent(run.key)}?from=${run.next}`, {
          headers: { "X-Viewer": viewer }, signal,
        });
        const buffer = response.status === 200 ? await response.arrayBuffer() : null;
        if (signal.aborted) return;
        if (buffer) run.append(buffer);
        if (response.status >= 500 || response.status === 429) {
          throw new Error(`the server answered ${response.status}`);
        }
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        if (failures > RETRIES) {
          tell({ state: "FAILED", message: `no answer: ${error.message}`, lost: true });
          return;
        }
        await wait(POLL_MS * 2 ** Math.min(failures, 5), signal);
        continue;
      }
      if (response.status === 404) {
        tell({ state: "FAILED", message: "the server no longer knows this run", lost: true });
        return;
      }
      const state = response.headers.get("X-Run-State") || "RUNNING";
      const position = Number(response.headers.get("X-Run-Position") || 0);
      tell({ state: run.done ? "DONE" : state === "DONE" ? "RUNNING" : state, position,
        message: response.headers.get("X-Run-Message") || "" });
      if (run.done || state === "FAILED" || state === "CANCELLED") return;
      if (response.status === 204) {
        await wait(pause_ms, signal);
        pause_ms = Math.min(pause_ms * 1.5, POLL_MS);
      } else if (response.status !== 200) {
        tell({ state: "FAILED", message: `the server answered ${response.status}`, lost: true });
        return;
      }
    }
  }

  const frames = { RunBuffer, messagesOf, follow };
  root.reclaimLab = root.reclaimLab || {};
  root.reclaimLab.frames = frames;
  if (typeof module === "object" && module.exports) module.exports = frames;
})(typeof window === "object" ? window : globalThis);
