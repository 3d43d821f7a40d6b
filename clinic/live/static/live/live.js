"use strict";
// A chat with a patient. The page works without this script.

const said = document.querySelector(".talk");

/** Whether the newest message is in sight. */
const atEnd = () => said.scrollHeight - said.scrollTop - said.clientHeight < 80;

if (said) {
  said.scrollTop = said.scrollHeight;
  let follow = true;
  document.addEventListener("htmx:beforeSwap", () => {
    follow = atEnd();
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (follow) said.scrollTop = said.scrollHeight;
  });
}

// A reply with a problem is shown like any other answer to the form.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("click", (event) => {
  const text = event.target.closest?.("[data-fill]")?.dataset.fill;
  const field = document.querySelector("#text");
  if (text === undefined || !field) return;
  field.value = field.value.trim() ? `${field.value.trimEnd()} ${text}` : text;
  field.focus();
});

// Enter sends, Shift and Enter begins a line, as in the patient's window.
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "text" || event.key !== "Enter") return;
  if (event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
