// On every page. Says below the search box what the shop has of what is being typed, and says times as the reader's own
// clock shows them. Without this script people type on and press Enter, and times are those of UTC, as they say.
"use strict";
(() => {
  const box = document.querySelector("#q");
  const list = document.querySelector("#suggested");
  const places = new Map();
  let wait;
  let asked = "";
  const ask = async () => {
    const typed = box.value.trim();
    if (typed.length < 2 || typed === asked) return;
    asked = typed;
    const answer = await fetch(`/api/v1/products/suggestions?q=${encodeURIComponent(typed)}`);
    // Too busy, or somebody has typed on: the box works without.
    if (!answer.ok || typed !== asked) return;
    const { data } = await answer.json();
    places.clear();
    for (const { kind, text, slug } of data) {
      places.set(text, `/${kind === "category" ? "c" : "p"}/${encodeURIComponent(slug)}`);
    }
    list.replaceChildren(...data.map(({ text }) => new Option(text, text)));
  };
  box.addEventListener("input", (event) => {
    clearTimeout(wait);
    // What is chosen from the list comes as a whole, what is typed letter by letter.
    const isChosen = !event.inputType || event.inputType === "insertReplacementText";
    if (isChosen && places.has(box.value)) location.assign(places.get(box.value));
    else wait = setTimeout(() => ask().catch(() => {}), 150);
  });

  const { lang } = document.documentElement;
  // As the reader writes the page's language, where they read it.
  const own = navigator.language.split("-")[0] === lang ? navigator.language : lang;
  const clock = new Intl.DateTimeFormat(own, { dateStyle: "medium", timeStyle: "short" });
  const tell = () => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const exact = time.textContent;
      if (!exact.endsWith("UTC")) continue;
      time.title = exact;
      time.textContent = clock.format(new Date(time.dateTime));
    }
  };
  tell();
  document.addEventListener("renewed", tell);
})();
