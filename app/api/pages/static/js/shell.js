// The frame of every page: colours, key, menu, and what the footer says of the service.

import { askKeyWith, getJson, getKey, setKey } from "./api.js";
import { el, find, put, toast } from "./dom.js";

const THEMES = ["auto", "light", "dark"];
const THEME_NAMES = { auto: "Auto", light: "Light", dark: "Dark" };

function startThemes() {
  const button = find("#theme-button");
  const show = () => {
    const theme = document.documentElement.dataset.theme ?? "auto";
    find("#theme-name").textContent = THEME_NAMES[theme];
    button.setAttribute("aria-label", `Colours: ${THEME_NAMES[theme]}`);
  };
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? "auto";
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("fount-theme", next);
    } catch {
      // It holds for this page only.
    }
    show();
  });
  show();
}

function startMenu() {
  const button = find("#menu-button");
  const set = (open) => {
    button.setAttribute("aria-expanded", String(open));
    find("#menu").toggleAttribute("data-open", open);
  };
  button.addEventListener("click", () => set(button.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && button.getAttribute("aria-expanded") === "true") {
      set(false);
      button.focus();
    }
  });
}

function askForKey(problem) {
  return new Promise((resolve) => {
    const input = el("input", { id: "key-input", type: "password", autocomplete: "off", spellcheck: "false", required: true });
    const isWrong = Boolean(problem && getKey());
    const form = el(
      "form",
      { method: "dialog", novalidate: true },
      el("h2", { id: "key-title" }, "A key is needed"),
      el(
        "p",
        { id: "key-text" },
        isWrong ? "The service does not know the key that this tab has." : "This service answers only to those with a key.",
        " Whoever runs it makes one with ",
        el("code", {}, "fount keys create"),
        ".",
      ),
      el("div.row", {}, el("label", { for: "key-input" }, "Key"), input),
      el("p.hint", {}, "Kept in this tab only, until it is closed; sent to this service only."),
      el(
        "div.actions",
        {},
        el("button.button.primary", { type: "submit", value: "use" }, "Use this key"),
        getKey() && el("button.button", { type: "button", on: { click: () => end("forget") } }, "Forget the key"),
        el("button.button", { type: "button", on: { click: () => end("") } }, "Cancel"),
      ),
    );
    const node = el("dialog.dialog", { "aria-labelledby": "key-title", "aria-describedby": "key-text" }, form);
    const end = (value) => node.close(value);
    node.addEventListener("close", () => {
      node.remove();
      const key = input.value.trim();
      if (node.returnValue === "use" && key) setKey(key);
      if (node.returnValue === "forget") setKey(null);
      resolve(node.returnValue === "use" && Boolean(key));
    });
    document.body.append(node);
    node.showModal();
    input.focus();
  });
}

function startKey() {
  askKeyWith(askForKey);
  const button = find("#key-button");
  const show = () => {
    button.textContent = getKey() ? "Key set" : "Key";
    button.setAttribute("aria-label", getKey() ? "Key: set for this tab" : "Key: none");
  };
  button.addEventListener("click", async () => {
    if (await askForKey(null)) location.reload();
  });
  document.addEventListener("fount:key", show);
  show();
}

async function showState() {
  const node = find("#service-state");
  try {
    await getJson("/readyz", { retries: 0 });
    put(node, el("span.dot.good", { "aria-hidden": "true" }), "ready");
  } catch (error) {
    put(node, el("span.dot.bad", { "aria-hidden": "true" }), error.code === "no-answer" ? "no answer" : "not ready");
  }
}

/** Show what went wrong in `host`, with a way to try again. */
export function showProblem(host, error, retry = null) {
  const lines = error.lines ?? [error.message];
  put(
    host,
    el(
      "div.notice.bad",
      { role: "alert" },
      el("p", {}, el("strong", {}, error.title ?? "Something went wrong")),
      ...lines.map((line) => el("p", {}, line)),
      el(
        "p.hint",
        {},
        error.page && el("a", { href: error.page }, "What it means"),
        error.requestId && ` Request ${error.requestId}.`,
      ),
      retry && el("p", {}, el("button.button", { type: "button", on: { click: retry } }, "Try again")),
    ),
  );
}

/** List the models once for the page; asks again after a change of key, and while there are none. */
let models = null;
export function listModels() {
  models ??= getJson("/v1/models").then((answer) => answer.models);
  models.then(
    (found) => {
      if (!found.length) models = null;
    },
    () => {
      models = null;
    },
  );
  return models;
}

document.addEventListener("fount:key", () => {
  models = null;
});
addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault();
  else if (event.reason?.lines) toast(event.reason.lines.join(" "), "bad");
});

startThemes();
startMenu();
startKey();
showState();
