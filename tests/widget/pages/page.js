// Notes what the tests want to know of the page.
window.violations = [];
window.shifts = [];
window.heard = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
addEventListener("DOMContentLoaded", () => {
  const chat = document.querySelector("clinic-chat");
  for (const name of ["open", "close", "send", "clinic-chat:booking-requested"]) {
    chat.addEventListener(name, (event) => window.heard.push([name, JSON.stringify(event.detail)]));
  }
});
