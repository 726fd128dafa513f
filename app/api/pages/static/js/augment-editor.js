// The policy as text: what is typed becomes steps, and what the service says is wrong is named by its line.

import { writeHint } from "./augment-fields.js";
import { findPlace, JsonTextError, layOut, lineOf, readJson } from "./augment-json.js";
import { el, put } from "./dom.js";

const PAUSE_MS = 300;

export class Editor {
  /**
   * @param {HTMLTextAreaElement} area
   * @param {HTMLElement} list Where errors are listed.
   * @param {function(object): void} onDocument Told each policy that is JSON.
   */
  constructor(area, list, onDocument) {
    Object.assign(this, { area, list, onDocument, places: new Map(), timer: null });
    area.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.read(), PAUSE_MS);
    });
    area.addEventListener("change", () => this.read());
  }

  /** Write a policy, unless somebody is typing one. */
  write(policy) {
    if (document.activeElement === this.area) return;
    clearTimeout(this.timer);
    this.area.value = layOut(policy);
    this.places = readJson(this.area.value).places;
    this.area.rows = Math.min(24, Math.max(6, this.area.value.split("\n").length + 1));
    this.showErrors([]);
  }

  read() {
    clearTimeout(this.timer);
    if (this.area.value === this.lastRead) return;
    this.lastRead = this.area.value;
    try {
      const { value, places } = readJson(this.area.value);
      this.places = places;
      this.showErrors([]);
      this.onDocument(value);
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error;
      this.showAt([{ at: [error.offset, error.offset + 1], detail: error.message }]);
    }
  }

  /** Show what is wrong: [{pointer, detail}], with pointers of the text. */
  showErrors(errors) {
    this.showAt(errors.map(({ pointer, detail }) => ({ at: findPlace(this.places, this.nest(pointer)), detail, pointer })));
  }

  /** A text may be a whole request, of which the policy is a part. */
  nest(pointer) {
    return this.places.has("/policy") ? `/policy${pointer}` : pointer;
  }

  showAt(errors) {
    if (errors.length) this.area.setAttribute("aria-invalid", "true");
    else this.area.removeAttribute("aria-invalid");
    put(
      this.list,
      errors.map(({ at, detail, pointer }) =>
        el(
          "li.error-text",
          {},
          el("button.line-link", { type: "button", on: { click: () => this.select(at) } }, `Line ${lineOf(this.area.value, at[0])}`),
          pointer ? [" ", el("code", {}, pointer)] : "",
          ": ",
          writeHint(detail),
        ),
      ),
    );
  }

  select([start, end]) {
    this.area.focus();
    this.area.setSelectionRange(start, end);
  }
}
