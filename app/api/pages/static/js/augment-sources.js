// Images to augment: dropped, pasted, chosen, or samples of a model; each with a picture that the browser can show.

import { getFile, getJson, samplePath } from "./api.js";
import { drawField } from "./augment-fields.js";
import { buildRequest, DEFAULTS, INPUT_FIELDS, MAX_IMAGES, writeForm } from "./augment-state.js";
import { drawTool } from "./augment-tools.js";
import { el, formatNumber, put, saveBlob } from "./dom.js";

const SEED = 42n; // of samples that are taken here

export class Sources {
  /**
   * @param {HTMLElement} host The list.
   * @param {object} options `onChange(isNew)`; `onProblem(error)`; `say(text)`.
   */
  constructor(host, { onChange, onProblem, say }) {
    Object.assign(this, { host, onChange, onProblem, say, images: [] });
  }

  /** Add files that somebody gave; a sample that the page took by itself makes room. */
  async addFiles(files) {
    const given = [...files];
    const kept = this.images.filter((image) => !image.isOwn);
    const added = given.slice(0, MAX_IMAGES - kept.length);
    const made = [];
    for (const file of added) {
      try {
        made.push(await readImage(file, file.name || "pasted.png", null));
      } catch (error) {
        this.onProblem(error, file.name);
      }
    }
    if (!made.length) return;
    for (const image of this.images) if (image.isOwn) URL.revokeObjectURL(image.url);
    this.images = [...kept, ...nameApart(made, kept)];
    const left = given.length - added.length;
    this.say(`${made.length === 1 ? made[0].name : `${made.length} images`} added.${left ? ` ${left} left out: at most ${MAX_IMAGES} at once here.` : ""}`);
    this.changed();
  }

  /** Add a sample by {model, version, seed, index}; `isOwn` where the page takes it unasked. */
  async addSample(sample, { isOwn = false } = {}) {
    if (this.images.length >= MAX_IMAGES) return this.say(`At most ${MAX_IMAGES} images at once here.`);
    const { blob } = await getFile(samplePath(sample));
    const name = `${sample.model}-${sample.version}-${sample.seed}-${sample.index}.png`;
    const image = await readImage(blob, name, sample);
    this.images.push(...nameApart([{ ...image, isOwn }], this.images));
    this.say(`${name} added.`);
    this.changed();
  }

  /** Add any sample of a version. */
  addAnySample({ model, version }) {
    const index = BigInt(crypto.getRandomValues(new Uint16Array(1))[0]);
    return this.addSample({ model, version, seed: SEED, index });
  }

  remove(image) {
    const place = this.images.indexOf(image);
    URL.revokeObjectURL(image.url);
    this.images.splice(place, 1);
    this.say(`${image.name} removed.`);
    this.changed();
    const buttons = this.host.querySelectorAll("[data-remove]");
    (buttons[place] ?? buttons[place - 1] ?? document.querySelector("#pick"))?.focus();
  }

  changed() {
    put(this.host, this.images.map((image) => this.draw(image)));
    this.onChange();
  }

  draw(image) {
    const kept = image.sample ? "sample" : `${formatNumber(Math.max(1, Math.round(image.file.size / 1000)))} kB`;
    return el(
      "li.source",
      {},
      el("img.pixels", { src: image.url, alt: "", width: 48, height: 48 }),
      el("div.source-text", {}, el("span.source-name", {}, image.name), el("span.hint", {}, `${image.width} × ${image.height} · ${kept}`)),
      image.sample && drawTool("save", `Save ${image.name}`, () => saveBlob(image.file, image.name)),
      drawTool("remove", `Remove ${image.name}`, () => this.remove(image), { data: { remove: "" } }),
    );
  }
}

async function readImage(file, name, sample) {
  const made = { file, name, sample, isOwn: false };
  const url = URL.createObjectURL(file);
  const size = await measure(url);
  if (size) return { ...made, url, ...size };
  URL.revokeObjectURL(url);
  return { ...made, ...(await showByService(file, name)) };
}

async function measure(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => ({ width: image.naturalWidth, height: image.naturalHeight }), () => null);
}

/** What the browser cannot show, the service can: TIFF, 16 bits; or it says why not. */
async function showByService(file, name) {
  const request = buildRequest({ ...DEFAULTS, copies: 1 }, { preset: "identity" }, "json");
  const { outputs } = await getJson("/v1/augmentations", { form: writeForm([{ file, name }], request) });
  const bytes = Uint8Array.from(atob(outputs[0].file), (one) => one.charCodeAt(0));
  return { url: URL.createObjectURL(new Blob([bytes], { type: "image/png" })), width: outputs[0].width, height: outputs[0].height };
}

/** No two files of one name, so that code can name them. */
function nameApart(made, others) {
  const taken = new Set(others.map(({ name }) => name));
  for (const image of made) {
    const [, stem, ending] = /^(.*?)(\.[^.]*)?$/.exec(image.name);
    for (let turn = 2; taken.has(image.name); turn += 1) image.name = `${stem}-${turn}${ending ?? ""}`;
    taken.add(image.name);
  }
  return made;
}

/** Take files that are dropped on the page, pasted, or chosen with `pick`. */
export function listenForFiles({ drop, pick, input, onFiles }) {
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.toggleAttribute("data-over", true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.removeAttribute("data-over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.removeAttribute("data-over");
    if (event.dataTransfer.files.length) onFiles(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    if (event.clipboardData.files.length) onFiles(event.clipboardData.files);
  });
  pick.addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    await onFiles(input.files);
    input.value = "";
  });
}

/** Draw the fields of how files are read; `onChange` is told all of them. */
export function drawReading(host, input, onChange) {
  const now = { ...input };
  const fields = Object.entries(INPUT_FIELDS).map(([name, schema]) => {
    const change = (value) => {
      now[name] = value;
      showNeeded();
      onChange({ ...now });
    };
    return [name, drawField({ id: `input-${name}`, name, schema, value: now[name], change }).node];
  });
  const showNeeded = () => {
    Object.fromEntries(fields).background.hidden = now.alpha !== "composite";
  };
  put(host, fields.map(([, node]) => node));
  showNeeded();
}
