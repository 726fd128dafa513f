// Small means to build and find elements. Text is always text: nothing here makes markup of strings.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Build an element.
 * @param {string} tag Name, with classes after dots: "button.primary".
 * @param {object} [props] Attributes; `on` maps events to listeners, `data` sets data attributes, `style` sets
 *   properties by script. true sets an empty attribute; false, null and undefined leave it out.
 * @param {...(Node|string|number|null|false|Array)} children
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  return fill(node, props, children);
}

/** Build an SVG element; see `el`. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key === "style") for (const [name, text] of Object.entries(value)) node.style.setProperty(name, text);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

/** Replace what an element holds. */
export function put(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** Find an element that must be there. */
export function find(selector, root = document) {
  const node = root.querySelector(selector);
  if (!node) throw new Error(`there is no ${selector}`);
  return node;
}

/** Tell something in passing; screen readers hear it. kind: "info", "good" or "bad". */
export function toast(text, kind = "info") {
  const host = find("#toasts");
  const node = el(`p.toast.${kind}`, {}, text);
  host.append(node);
  setTimeout(() => node.remove(), kind === "bad" ? 9000 : 4000);
}

/** Copy text; true when it was done. */
export async function copyText(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea.visually-hidden", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) {
      toast("The browser did not let this page copy.", "bad");
      return false;
    }
  }
  toast(what, "good");
  return true;
}

/** Save bytes as a file. */
export function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Keep a slider and a number field at one value; returns {get, set}. */
export function tie(slider, number, onChange = () => {}) {
  const clamp = (value) => {
    const low = Number(number.min || 0);
    const high = Number(number.max || Infinity);
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : low;
  };
  const set = (value) => {
    const kept = clamp(Number(value));
    slider.value = number.value = String(kept);
    return kept;
  };
  slider.addEventListener("input", () => {
    number.value = slider.value;
    onChange(Number(slider.value));
  });
  number.addEventListener("input", () => {
    if (number.value !== "") slider.value = number.value;
    onChange(clamp(Number(number.value)));
  });
  number.addEventListener("change", () => set(number.value));
  return { get: () => clamp(Number(number.value)), set };
}

/** Make one tab stop of many elements: arrow keys, Home and End move within `host`. */
export function rove(host, selector) {
  const all = () => [...host.querySelectorAll(selector)];
  host.addEventListener("keydown", (event) => {
    const items = all();
    const here = items.indexOf(document.activeElement);
    if (here < 0) return;
    const next = step(event.key, items, here);
    if (next === null) return;
    event.preventDefault();
    for (const item of items) item.tabIndex = -1;
    items[next].tabIndex = 0;
    items[next].focus();
  });
  host.addEventListener("focusin", (event) => {
    if (!event.target.matches(selector)) return;
    for (const item of all()) item.tabIndex = item === event.target ? 0 : -1;
  });
}

function step(key, items, here) {
  const last = items.length - 1;
  const top = items[here].offsetTop;
  const row = items.findIndex((item) => item.offsetTop !== items[0].offsetTop);
  const columns = row < 0 ? items.length : row;
  const wanted = {
    ArrowRight: here + 1,
    ArrowLeft: here - 1,
    ArrowDown: here + columns,
    ArrowUp: here - columns,
    Home: items.findIndex((item) => item.offsetTop === top),
    End: items.findLastIndex((item) => item.offsetTop === top),
  }[key];
  return wanted === undefined || wanted < 0 || wanted > last ? null : wanted;
}

/** Write a number for people. */
export function formatNumber(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const whole = String(Math.trunc(Math.abs(value))).length;
  if (Math.abs(value) >= 1 && whole >= digits) return Math.round(value).toLocaleString("en");
  return value.toLocaleString("en", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
}

/** Write seconds for people. */
export function formatSeconds(seconds) {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}
