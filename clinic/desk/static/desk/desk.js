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
