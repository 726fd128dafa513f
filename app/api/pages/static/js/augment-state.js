// What the playground shows, as one value: read from and written to the address, and turned into requests.

import { readSeed } from "./api.js";
import { writeExact } from "./augment-json.js";
import { isPolicy } from "./augment-policy.js";

export const MAX_OUTPUTS = 64; // of an answer in JSON
export const MAX_IMAGES = 16;
export const FILES = [
  ["png", "PNG, without loss"],
  ["jpeg", "JPEG"],
  ["webp", "WebP"],
];
const MAX_ADDRESS = 4000;
const SAMPLE = /^([\w.-]{1,80})@(\d{1,9}):(\d{1,19})\.(\d{1,19})$/;
const INPUT = { alpha: "keep", background: [255, 255, 255], icc: "convert", frames: "refuse" };

export const DEFAULTS = { seed: 1n, copies: 8, files: "png", input: INPUT, preset: null, policy: null, images: [] };

/** Fields of how files are read, as JSON Schemas. */
export const INPUT_FIELDS = {
  alpha: { enum: ["keep", "drop", "composite"], description: "Transparency: a channel of its own, dropped, or put on a colour." },
  background: { type: "array", items: { type: "integer", minimum: 0, maximum: 255 }, minItems: 3, maxItems: 3, description: "Behind what is transparent." },
  icc: { enum: ["convert", "ignore"], description: "Colours to sRGB by the file's profile, or as they are." },
  frames: { enum: ["refuse", "first"], description: "Files of several pictures." },
};

/**
 * Read the state of an address; what is missing or wrong is left out. `policy` has marks of steps that are off.
 * @param {URLSearchParams} query
 */
export function readState(query) {
  const state = {};
  const seed = readSeed(query.get("seed"));
  if (seed !== null) state.seed = seed;
  const copies = Number(query.get("copies"));
  if (Number.isInteger(copies) && copies >= 1 && copies <= MAX_OUTPUTS) state.copies = copies;
  if (FILES.some(([name]) => name === query.get("files"))) state.files = query.get("files");
  if (/^[\w.-]{1,80}$/.test(query.get("preset") ?? "")) state.preset = query.get("preset");
  const policy = parse(query.get("policy"));
  if (isPolicy(policy)) state.policy = policy;
  const input = parse(query.get("input"));
  if (input && typeof input === "object") state.input = { ...INPUT, ...pickKnown(input) };
  state.images = query.getAll("image").map(readSample).filter(Boolean).slice(0, MAX_IMAGES);
  return state;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function pickKnown(input) {
  return Object.fromEntries(Object.entries(input).filter(([name]) => name in INPUT));
}

function readSample(text) {
  const [, model, version, seed, index] = SAMPLE.exec(text) ?? [];
  return model && readSeed(seed) !== null && readSeed(index) !== null ? { model, version: Number(version), seed: BigInt(seed), index: BigInt(index) } : null;
}

/** Write a state as the query of an address: {query, isWhole}; a policy that is too long is left out. */
export function writeState({ seed, copies, files, input, preset, policy, images }) {
  const query = new URLSearchParams();
  for (const one of images) query.append("image", `${one.model}@${one.version}:${one.seed}.${one.index}`);
  if (preset) query.set("preset", preset);
  query.set("copies", copies);
  query.set("seed", seed);
  if (files !== "png") query.set("files", files);
  const changed = changedInput(input);
  if (changed) query.set("input", JSON.stringify(changed));
  if (!preset) query.set("policy", JSON.stringify(policy));
  const write = () => `?${query.toString().replaceAll("%40", "@").replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
  const whole = write();
  if (whole.length <= MAX_ADDRESS) return { query: whole, isWhole: true };
  query.delete("policy");
  return { query: write(), isWhole: false };
}

function changedInput(input) {
  const changed = Object.entries(input).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(INPUT[name]));
  return changed.length ? Object.fromEntries(changed) : null;
}

/** The part `request` of the form; `sent` is the policy, {preset} or {ops}. */
export function buildRequest({ seed, copies, files, input }, sent, format) {
  const changed = changedInput(input);
  return {
    policy: sent,
    copies,
    seed,
    ...(format ? { format } : {}),
    ...(files === "png" ? {} : { image_format: files }),
    ...(changed ? { input: changed } : {}),
  };
}

/** The part `request` that has traces applied: [{image, steps}]. */
export function buildReplay({ files, input }, traces, format) {
  const { copies: _, seed: __, policy: ___, ...rest } = buildRequest({ files, input }, null, format);
  return { traces, ...rest };
}

/** A form of images and a request. */
export function writeForm(images, request) {
  const form = new FormData();
  for (const { file, name } of images) form.append("images", file, name);
  form.append("request", writeExact(request));
  return form;
}

/** What `showCopies` shows. */
export function describeCopies(state, sent, images) {
  const names = images.length ? images.map(({ name }) => name) : ["image.png"];
  const request = buildRequest(state, sent, "zip");
  const preset = sent.preset ?? null;
  const { alpha, background, icc, frames } = state.input;
  const isWhite = background.every((one) => one === 255);
  const words = ["fount", "augment", "images/", "--policy", preset ?? "policy.json", "--copies", state.copies, "--seed", state.seed];
  if (state.files !== "png") words.push("--format", state.files);
  if (alpha !== "keep") words.push("--alpha", alpha);
  if (frames !== "refuse") words.push("--frames", frames);
  const where = "The images lie in the folder where it runs. What is a sample here can be saved above.";
  return {
    http: { method: "POST", path: "/v1/augmentations", parts: [...names.map((file) => ({ name: "images", file })), { name: "request", json: request }], output: `augmented-seed${state.seed}.zip` },
    client: request.input ? undefined : {
      name: "augment",
      args: [names],
      kwargs: { policy: preset ?? sent, copies: state.copies, seed: state.seed },
      result: "augmented",
      then: ["print(len(augmented), augmented.traces[0])"],
    },
    cli: icc === "ignore" || (alpha === "composite" && !isWhite) ? undefined : [...words, "-o", "augmented/"],
    notes: {
      curl: where,
      python: where,
      cli: `images/ is a folder${preset ? "" : ", policy.json what “Save policy.json” saves"}. Computed on the machine that it runs on; no service is needed.`,
    },
  };
}
