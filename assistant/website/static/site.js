// The page's buttons that lead to the chat, by the chat window's own interface.
for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => {
    const chat = document.querySelector("clinic-chat");
    if (button.dataset.ask) chat.suggest(button.dataset.ask);
    else chat.open();
  });
}
