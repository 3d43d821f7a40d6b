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

// One key for what is done all day. data-key: the element is clicked, or gets the focus.
// data-row-key: first the row one is on is ticked, unless others are. Who does not want them turns
// them off in their account.
const keysAreOff = document.body.dataset.keys === "off";
const typing = (element) =>
  element.closest("input:not([type=checkbox], [type=radio]), textarea, select");
const rows = () => [...document.querySelectorAll("[data-row]")];
const here = () => document.querySelector("[data-row].here");

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(here());
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  here()?.classList.remove("here");
  next.classList.add("here");
  const box = next.querySelector("input[type=checkbox]");
  box.focus({ preventScroll: true });
  next.scrollIntoView({ block: "center" });
  sessionStorage.setItem("row", String(all.indexOf(next)));
}

function tickHere() {
  const ticked = document.querySelector("[data-row] input[type=checkbox]:checked");
  const box = here()?.querySelector("input[type=checkbox]");
  if (!ticked && box) box.checked = true;
  return Boolean(ticked || box);
}

document.addEventListener("keydown", (event) => {
  if (keysAreOff || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = CSS.escape(event.key);
  const wanted = document.querySelector(`[data-key="${key}"], [data-row-key="${key}"]`);
  if (wanted?.dataset.rowKey) {
    if (tickHere()) wanted.click();
  } else if (wanted) {
    if (wanted.matches("input, select, textarea")) {
      tickHere();
      wanted.focus();
    } else wanted.click();
  } else if (rows().length && (event.key === "j" || event.key === "k")) {
    go(event.key === "j" ? 1 : -1);
  } else if (event.key === "x" && here()) {
    here().querySelector("input[type=checkbox]").click();
  } else return;
  event.preventDefault();
});
// After a decision the list is loaded anew: one stays where one was.
const kept = sessionStorage.getItem("row");
if (kept !== null && rows().length && document.querySelector(".flash")) go(Number(kept) + 1);
else sessionStorage.removeItem("row");
