// Requests to the service: the visitor's key, problems as readable errors, streams line by line.

const KEY = "fount-key";

/** The service's address, with a slash at the end; this file is at static/<digest>/js/. */
export const ROOT = new URL("../../../", import.meta.url).href;

let asking = null;
let dialog = () => Promise.resolve(false);

/** The key that was typed in, kept for this tab; null for none. */
export function getKey() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Keep a key for this tab; null forgets it. */
export function setKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  document.dispatchEvent(new CustomEvent("fount:key"));
}

/** Set what asks for a key: a function that resolves to true once there is a new one. The frame does so. */
export function askKeyWith(ask) {
  dialog = ask;
}

/** What the service said is wrong: RFC 9457, read. */
export class ProblemError extends Error {
  constructor(problem, status) {
    super(problem.detail || problem.title || `The service answered ${status}.`);
    this.name = "ProblemError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.title = problem.title ?? "Error";
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id ?? null;
    this.retryAfter = problem.retry_after_s ?? null;
    this.page = typeof problem.type === "string" && problem.type.startsWith("/") ? address(problem.type) : null;
    this.problem = problem;
  }

  /** One sentence for each thing that is wrong, with the field it is about. */
  get lines() {
    if (!this.errors.length) return [this.message];
    return this.errors.map((one) => `${namePointer(one.pointer)}: ${one.detail}`);
  }
}

/** Name a JSON pointer as people would: "/samples/0/seed" is "samples 1, seed". */
export function namePointer(pointer) {
  const parts = (pointer ?? "").split("/").filter(Boolean).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const named = parts.map((part) => (/^\d+$/.test(part) ? String(Number(part) + 1) : part.replaceAll("_", " ")));
  return named.join(" ") || "request";
}

/** Absolute address of a path of the service. */
export function address(path) {
  return new URL(path.replace(/^\//, ""), ROOT).href;
}

/** Write JSON; a BigInt is written as the whole number it is, so that seeds keep all their 63 bits. */
export function writeJson(value, indent) {
  const mark = "\u0001";
  const text = JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${mark}${one}${mark}` : one), indent);
  return text.replaceAll(/"\\u0001(\d+)\\u0001"/g, "$1");
}

/** Read a seed from text: a BigInt below 2**63, or null. */
export function readSeed(text) {
  const trimmed = String(text ?? "").trim();
  if (!/^\d{1,19}$/.test(trimmed)) return null;
  const seed = BigInt(trimmed);
  return seed < 2n ** 63n ? seed : null;
}

/**
 * Send a request and return the `Response` once its head is there and good.
 * @param {string} path For example "/v1/models".
 * @param {object} [options] `method`; `json` (a body); `form` (FormData); `accept`; `signal`; `retries` (how often to
 *   come back after 503 or 429, when the service says; 0 for never); `onWait` (told the seconds before each).
 * @throws {ProblemError} What the service said is wrong. After 401 the visitor is asked for a key first.
 */
export async function request(path, options = {}) {
  const { retries = 2, onWait = () => {} } = options;
  for (let turn = 0; ; turn += 1) {
    const response = await send(path, options);
    if (response.ok) return response;
    const problem = await readProblem(response);
    if (problem.status === 401 && (await askForKey(problem))) {
      turn -= 1;
      continue;
    }
    const wait = problem.status === 503 || problem.status === 429 ? (problem.retryAfter ?? 1) : null;
    if (wait === null || wait > 60 || turn >= retries) throw problem;
    onWait(wait);
    await pause(wait * 1000, options.signal);
  }
}

async function send(path, { method, json, form, accept, signal }) {
  const headers = new Headers();
  const key = getKey();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  if (accept) headers.set("Accept", accept);
  if (json !== undefined) headers.set("Content-Type", "application/json");
  const body = json === undefined ? form : writeJson(json);
  try {
    return await fetch(address(path), { method: method ?? (body ? "POST" : "GET"), headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError({ title: "No answer", detail: "The service does not answer. Is it running?", code: "no-answer" }, 0);
  }
}

async function readProblem(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    problem = { title: response.statusText };
  }
  const error = new ProblemError(problem, response.status);
  const header = Number(response.headers.get("Retry-After"));
  if (header > 0) error.retryAfter = header;
  return error;
}

function askForKey(problem) {
  asking ??= dialog(problem).finally(() => {
    asking = null;
  });
  return asking;
}

/** Wait; ends early with an AbortError. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new DOMException("Aborted", "AbortError"));
    };
    if (signal?.aborted) return reject(new DOMException("Aborted", "AbortError"));
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Send a request and read its JSON answer. */
export async function getJson(path, options = {}) {
  return (await request(path, { accept: "application/json", ...options })).json();
}

/** Send a request and read its answer as a file: {blob, name, headers}. */
export async function getFile(path, options = {}) {
  const response = await request(path, options);
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "") ?? [];
  return { blob: await response.blob(), name: name ?? null, headers: response.headers };
}

/**
 * Read an answer of JSON lines as it comes: yields arrays of what each piece of it held.
 * @param {Response} response
 */
export async function* readLines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      if (lines.length) yield lines.map((line) => JSON.parse(line));
    }
    if (rest.trim()) yield [JSON.parse(rest)];
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Permanent address of one sample, as a path. */
export function samplePath({ model, version, seed, index, classLabel = null, truncation = 1, preset = null, ext = "png" }) {
  const query = new URLSearchParams();
  if (classLabel !== null) query.set("class_label", classLabel);
  if (truncation !== 1) query.set("truncation", String(truncation));
  if (preset) query.set("preset", preset);
  const text = query.size ? `?${query}` : "";
  return `/v1/models/${model}/versions/${version}/samples/${seed}/${index}.${ext}${text}`;
}

const sheets = new Map();

/** Object URL of an image that may need the key; kept for the page's life. */
export async function loadImage(path) {
  if (!getKey()) return address(path);
  if (!sheets.has(path)) {
    sheets.set(path, getFile(path).then(({ blob }) => URL.createObjectURL(blob)));
    sheets.get(path).catch(() => sheets.delete(path));
  }
  return sheets.get(path);
}
