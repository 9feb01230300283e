// What the chat page does beyond its forms: lines take their place once, the last one stays in sight,
// Enter sends, and a broken line says so. Without this file everything still works by reloading.
(function () {
  "use strict";
  var log = document.getElementById("log");
  var offline = document.getElementById("offline");

  // A form that has a field named id hides its own id behind it.
  function isSay(element) { return element.getAttribute("id") === "say"; }

  function last() { window.scrollTo(0, document.documentElement.scrollHeight); }

  // A line that is here already is an edited one, or comes again after a reconnect: it takes its old place.
  document.body.addEventListener("htmx:sseBeforeMessage", function (event) {
    var starters = document.getElementById("starters");
    if (starters) { starters.remove(); }
    var box = document.createElement("template");
    box.innerHTML = event.detail.data;
    var fresh = box.content.firstElementChild;
    var old = fresh && document.getElementById(fresh.id);
    if (old) {
      event.preventDefault();
      old.replaceWith(fresh);
      window.htmx.process(fresh);
      last();
    }
  });
  document.body.addEventListener("htmx:sseMessage", last);
  document.body.addEventListener("htmx:sseOpen", function () { offline.hidden = true; });
  document.body.addEventListener("htmx:sseError", function () { offline.hidden = false; });
  document.body.addEventListener("htmx:sendError", function () { offline.hidden = false; });
  // What is sent leaves the field at once, so that the next thought may be typed; it comes back in front
  // of that when it was not taken.
  document.body.addEventListener("htmx:beforeRequest", function (event) {
    var text = document.getElementById("text");
    if (isSay(event.target)) { event.target.dataset.sent = text.value; text.value = ""; }
  });
  document.body.addEventListener("htmx:afterRequest", function (event) {
    var text = document.getElementById("text");
    if (isSay(event.target) && !event.detail.successful) {
      text.value = (event.target.dataset.sent.trim() + "\n" + text.value).trim();
    }
  });
  document.body.addEventListener("keydown", function (event) {
    if (event.target.id === "text" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  if (log && log.children.length > 0) { last(); }
})();
