// The walk between two samples: a strip of frames, and a stage on which they play.

import { readLines, readSeed, request } from "./api.js";
import { el, find, put } from "./dom.js";
import { showProblem } from "./shell.js";
import { showCopies } from "./copy.js";
import { buildWalk, describeWalk } from "./generate-state.js";

const FRAME_MS = 90;

export class Walk {
  /**
   * @param {function(): object} getState What the page shows now.
   * @param {function(object): void} onChange Told a new walk, for the address.
   */
  constructor(getState, onChange) {
    this.getState = getState;
    this.onChange = onChange;
    this.frames = [];
    this.isBegun = false;
    this.timer = null;
    find("#walk-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    find("#play").addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    find("#swap").addEventListener("click", () => {
      const { from, to, ...rest } = this.read();
      this.write({ ...rest, from: to, to: from });
      this.run();
    });
    find("#frame").addEventListener("input", () => {
      this.pause();
      this.show(Number(find("#frame").value) - 1);
    });
    new IntersectionObserver((entries, observer) => {
      if (entries.some((one) => one.isIntersecting)) {
        observer.disconnect();
        this.isBegun = true;
        if (this.getState()) this.run();
      }
    }, { rootMargin: "200px" }).observe(find("#walk-view"));
  }

  /** Read the ends from the form; wrong ones become 0. */
  read() {
    const end = (name) => ({ seed: readSeed(find(`#${name}-seed`).value) ?? 0n, index: readSeed(find(`#${name}-index`).value) ?? 0n });
    return { from: end("from"), to: end("to"), frames: Math.min(128, Math.max(2, Math.round(Number(find("#frames").value)) || 16)), classLabel: find("#walk-class").value };
  }

  /** Offer the classes of a model. */
  setClasses(names) {
    find("#walk-class-row").hidden = !names.length;
    const chosen = find("#walk-class").value;
    put(find("#walk-class"), el("option", { value: "" }, "that of the start"), names.map((name) => el("option", { value: name }, name)));
    find("#walk-class").value = names.includes(chosen) ? chosen : "";
  }

  /** Write ends to the form. */
  write({ from, to, frames, classLabel }) {
    for (const [name, end] of Object.entries({ from, to })) {
      find(`#${name}-seed`).value = String(end.seed);
      find(`#${name}-index`).value = String(end.index);
    }
    find("#frames").value = String(frames);
    find("#walk-class").value = classLabel;
    if (find("#walk-class").selectedIndex < 0) find("#walk-class").value = "";
  }

  /** Set one end to a sample, take its class, show the walk, and go there. */
  aim(end, { seed, index, classLabel }) {
    this.write({ ...this.read(), [end]: { seed, index: BigInt(index) }, classLabel: classLabel ?? "" });
    this.isBegun = true;
    this.run();
    find("#walk").scrollIntoView({ block: "start" });
    find(`#${end}-seed`).focus({ preventScroll: true });
  }

  /** Draw the walk again if it has been seen: the model or its class is another. */
  refresh() {
    if (this.isBegun) this.run({ isQuiet: true });
  }

  async run({ isQuiet = false } = {}) {
    this.pause();
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    const walk = this.read();
    this.write(walk);
    if (!isQuiet) this.onChange(walk);
    const state = { ...this.getState(), walk };
    showCopies(find("#walk-copies"), describeWalk(state));
    this.lay(walk.frames, state.size);
    put(find("#walk-problem"));
    try {
      const response = await request("/v1/interpolations", { json: buildWalk(state, "jsonl"), signal: abort.signal });
      for await (const frames of readLines(response)) this.add(frames);
      this.show(0);
      for (const id of ["#frame", "#play"]) find(id).disabled = false;
    } catch (error) {
      if (error.name !== "AbortError") showProblem(find("#walk-problem"), error);
    }
  }

  lay(count, size) {
    this.frames = [];
    this.size = size;
    const small = Math.max(1, Math.round(48 / size.width));
    const film = find("#film");
    film.style.setProperty("--cell-w", `${size.width * small}px`);
    film.style.setProperty("--cell-h", `${size.height * small}px`);
    this.cells = Array.from({ length: count }, () => el("div.cell", {}));
    put(film, this.cells);
    const large = Math.max(1, Math.round(196 / size.width));
    this.stage = el("img.pixels", { alt: "", width: size.width * large, height: size.height * large, hidden: true });
    find("#stage").style.setProperty("--stage-w", `${size.width * large}px`);
    find("#stage").style.setProperty("--stage-h", `${size.height * large}px`);
    put(find("#stage"), this.stage);
    find("#frame").max = String(count);
  }

  add(frames) {
    for (const frame of frames) {
      const url = `data:image/png;base64,${frame.png}`;
      const cell = this.cells[this.frames.length];
      this.frames.push(url);
      if (cell) put(cell, el("img", { src: url, alt: "", width: this.size.width, height: this.size.height }));
    }
  }

  show(place) {
    if (!this.frames[place]) return;
    this.place = place;
    this.stage.hidden = false;
    this.stage.src = this.frames[place];
    this.stage.alt = `Frame ${place + 1} of ${this.frames.length}`;
    find("#frame").value = String(place + 1);
    find("#frame-label").textContent = `Frame ${place + 1} of ${this.frames.length}`;
    this.cells.forEach((cell, one) => cell.toggleAttribute("data-here", one === place));
  }

  play() {
    let step = 1;
    find("#play").textContent = "Pause";
    find("#play").setAttribute("aria-pressed", "true");
    this.timer = setInterval(() => {
      if (this.place + step >= this.frames.length || this.place + step < 0) step = -step;
      this.show(this.place + step);
    }, FRAME_MS);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    find("#play").textContent = "Play";
    find("#play").setAttribute("aria-pressed", "false");
  }
}
