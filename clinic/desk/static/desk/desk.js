"use strict";
// What plain HTML cannot do. Every page works without it.

// On a phone the menu starts closed; without this script it is open.
if (matchMedia("(max-width: 800px)").matches) {
  document.querySelector("details.menu")?.removeAttribute("open");
}

// A click into the invitation's link marks all of it.
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("input.link")) event.target.select();
});

// One key for what is done all day: data-key says which. Not while somebody types.
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio]), textarea, select");
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!wanted) return;
  event.preventDefault();
  if (wanted.matches("input, select, textarea")) wanted.focus();
  else wanted.click();
});
