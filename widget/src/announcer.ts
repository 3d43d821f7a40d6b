// Reads new things out, apart from the list of messages: the list itself would be read again
// whenever it is drawn.

/** Less than 100 ms is lost on some phones, so texts stay a while. */
const STAYS = 2000;
/** An announcement made while the focus moves is dropped by some screen readers. */
const AFTER_FOCUS = 250;

export class Announcer {
  #root: ShadowRoot;

  constructor(root: ShadowRoot) {
    this.#root = root;
  }

  /**
   * `urgent` interrupts what is being read. Of several texts every second one is in a language of
   * its own, `lang`, where it is known.
   */
  say(text: string | string[], urgent = false, lang = ""): void {
    setTimeout(() => {
      const region = this.#root.getElementById(urgent ? "alerts" : "news");
      if (!region || !text) return;
      const line = document.createElement("p");
      [text].flat().forEach((part, index) => {
        const piece = document.createElement("span");
        piece.textContent = part;
        if (index % 2 && lang) piece.lang = lang;
        line.append(piece);
      });
      region.append(line);
      setTimeout(() => line.remove(), STAYS);
    }, AFTER_FOCUS);
  }
}
