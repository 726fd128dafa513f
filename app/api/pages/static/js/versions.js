// Choosing models and versions, the same on every page that does.

import { getJson } from "./api.js";
import { el, put } from "./dom.js";

const READY = new Set(["ready", "warming"]);

/** Find what a reference ("name", "name@3", "name@alias") stands for: {model, version} or null. */
export function findReference(models, reference) {
  const [name, selector] = (reference ?? "").split("@");
  const model = models.find((one) => one.name === name);
  if (!model) return null;
  const number = selector === undefined ? model.default_version : (model.aliases[selector] ?? Number(selector));
  const version = model.versions.find((one) => one.version === number) ?? (
    selector === undefined ? model.versions.at(-1) : null
  );
  return version ? { model, version: version.version } : null;
}

/** Write a reference with its number. */
export function nameVersion({ model, version }) {
  return `${model.name}@${version}`;
}

/** Aliases of a version. */
export function aliasesOf(model, version) {
  return Object.entries(model.aliases).filter(([, target]) => target === version).map(([alias]) => alias);
}

/** Fill a select with all versions of all models; `chosen` is {model, version}. */
export function fillVersions(select, models, chosen) {
  const groups = models.map((model) =>
    el(
      "optgroup",
      { label: model.name },
      [...model.versions].sort((one, other) => other.version - one.version).map(({ version, state }) => {
        const notes = [...aliasesOf(model, version), ...(READY.has(state) ? [] : [state])];
        const value = `${model.name}@${version}`;
        const isChosen = chosen && chosen.model.name === model.name && chosen.version === version;
        return el("option", { value, selected: isChosen }, [value, ...notes].join(" · "));
      }),
    ),
  );
  put(select, groups);
  select.disabled = false;
}

const details = new Map();

/** Ask for a version's manifest and state, once for the page. */
export function getDetail({ model, version }) {
  const path = `/v1/models/${model.name}/versions/${version}`;
  if (!details.has(path)) {
    details.set(path, getJson(path));
    details.get(path).catch(() => details.delete(path));
  }
  return details.get(path);
}

/** Draw buttons of which one is chosen: [[value, label], …]. */
export function drawChoices(host, choices, chosen, onChoose) {
  const select = (value) => {
    for (const button of host.children) {
      const isChosen = button.dataset.value === value;
      button.setAttribute("aria-checked", String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
    }
  };
  host.setAttribute("role", "radiogroup");
  put(
    host,
    choices.map(([value, label]) =>
      el(
        "button.segment",
        {
          type: "button",
          role: "radio",
          data: { value },
          on: { click: () => choose(value), keydown: (event) => step(event, host) },
        },
        label,
      ),
    ),
  );
  const choose = (value) => {
    select(value);
    onChoose(value);
  };
  select(chosen);
  return { set: select };
}

function step(event, host) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const buttons = [...host.children];
  const next = buttons[(buttons.indexOf(event.currentTarget) + by + buttons.length) % buttons.length];
  next.focus();
  next.click();
}

/** Keep what is shown in the address, without a new entry in the history. */
export function keepAddress(query) {
  const text = query.toString();
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}
