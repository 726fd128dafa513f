// What the generator page shows, as one value: read from and written to the address, and turned into requests.

import { readSeed } from "./api.js";
import { Tuple } from "./copy.js";

export const MAX_COUNT = 1024;
export const FORMATS = [
  ["zip", "ZIP, a folder per class"],
  ["npz", "NumPy arrays (.npz)"],
  ["parquet", "Parquet"],
  ["tar", "WebDataset (.tar)"],
  ["arrow", "Arrow stream"],
  ["safetensors", "safetensors"],
  ["grid", "One contact sheet (.png)"],
];

/**
 * Read the state of an address; what is missing or wrong is left out.
 * @param {URLSearchParams} query
 */
export function readState(query) {
  const state = {};
  if (/^[\w.-]{1,80}(@[\w.-]{1,64})?$/.test(query.get("model") ?? "")) state.model = query.get("model");
  const count = Number(query.get("n"));
  if (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT) state.count = count;
  const seed = readSeed(query.get("seed"));
  if (seed !== null) state.seed = seed;
  state.classes = query.getAll("class");
  const truncation = Number(query.get("truncation"));
  if (truncation > 0 && truncation <= 1) state.truncation = truncation;
  state.preset = query.get("preset") ?? "";
  const walk = /^(\d+)\.(\d+)-(\d+)\.(\d+)x(\d+)$/.exec(query.get("walk") ?? "");
  if (walk) state.walk = readWalk(walk.slice(1), query.get("walk-class") ?? "");
  return state;
}

function readWalk([fromSeed, fromIndex, toSeed, toIndex, frames], classLabel) {
  const ends = [fromSeed, fromIndex, toSeed, toIndex].map(readSeed);
  if (ends.includes(null)) return null;
  const [from, to] = [0, 2].map((place) => ({ seed: ends[place], index: ends[place + 1] }));
  return { from, to, frames: Math.min(128, Math.max(2, Number(frames))), classLabel };
}

/** Write a state as the query of an address. */
export function writeState(state) {
  const query = new URLSearchParams({ model: state.model, n: state.count, seed: state.seed });
  for (const one of state.classes) query.append("class", one);
  if (state.truncation !== 1) query.set("truncation", state.truncation);
  if (state.preset) query.set("preset", state.preset);
  if (state.walk) {
    const { from, to, frames, classLabel } = state.walk;
    query.set("walk", `${from.seed}.${from.index}-${to.seed}.${to.index}x${frames}`);
    if (classLabel) query.set("walk-class", classLabel);
  }
  return `?${query.toString().replaceAll("%40", "@")}`;
}

/** How many samples of each class: as equal as can be, the first ones one more. */
export function splitCount(count, classes) {
  const each = Math.floor(count / classes.length);
  const more = count % classes.length;
  return classes.map((name, place) => [name, each + (place < more ? 1 : 0)]).filter(([, number]) => number);
}

/** The body of `POST /v1/samples`. */
export function buildBody(state, format) {
  const { model, count, classes, seed, truncation, preset } = state;
  return {
    model,
    ...(classes.length > 1 ? { class_counts: Object.fromEntries(splitCount(count, classes)) } : { num_samples: count }),
    ...(classes.length === 1 ? { class_label: classes[0] } : {}),
    seed,
    ...(truncation === 1 ? {} : { truncation }),
    ...(preset ? { augment: { preset } } : {}),
    ...(format ? { format } : {}),
  };
}

/** The body of `POST /v1/interpolations`; the class is that of the start unless one is chosen. */
export function buildWalk(state, format) {
  const { model, truncation, walk } = state;
  return {
    model,
    start: walk.from,
    end: walk.to,
    num_frames: walk.frames,
    ...(walk.classLabel ? { class_label: walk.classLabel } : {}),
    ...(truncation === 1 ? {} : { truncation }),
    format,
  };
}

/** What `showCopies` shows for samples. */
export function describeSamples(state, format) {
  const { model: _, format: __, ...kwargs } = buildBody(state, format);
  if (state.preset) kwargs.augment = state.preset;
  return {
    http: { method: "POST", path: "/v1/samples", json: buildBody(state, format), output: fileName(state, format) },
    client: { name: "sample", args: [state.model], kwargs, result: "samples", then: ["print(samples.images.shape, samples.labels[:10])"] },
    cli: writeCommands(state, format),
    notes: { cli: "Computed on the machine that it runs on, from its own folder of models; no service is needed." },
  };
}

/** What `showCopies` shows for a walk. */
export function describeWalk(state) {
  const { model: _, format: __, start, end, ...kwargs } = buildWalk(state, "grid");
  const ends = [start, end].map(({ seed, index }) => new Tuple(seed, index));
  return {
    http: { method: "POST", path: "/v1/interpolations", json: buildWalk(state, "grid"), output: "walk.png" },
    client: { name: "interpolate", args: [state.model, ...ends], kwargs, result: "frames", then: ["print(frames.images.shape)"] },
  };
}

function fileName({ model, seed }, format) {
  return `${model.replace("@", "-")}-seed${seed}.${format === "grid" ? "png" : format}`;
}

/** One command, or one per class: numbers go on from class to class, as in one request. */
function writeCommands(state, format) {
  const { model, count, classes, seed, truncation, preset } = state;
  const rest = [
    ...(truncation === 1 ? [] : ["--truncation", truncation]),
    ...(preset ? ["--augment", preset] : []),
  ];
  const base = ["fount", "sample", model];
  if (classes.length < 2) {
    const chosen = classes.length ? ["--class", classes[0]] : [];
    return [[...base, "-n", count, ...chosen, "--seed", seed, ...rest, "-o", fileName(state, format)]];
  }
  let first = 0;
  return splitCount(count, classes).map(([name, number]) => {
    const words = [...base, "-n", number, "--class", name, "--seed", seed, "--first-index", first, ...rest, "-o", "samples/"];
    first += number;
    return words;
  });
}
