// The page of an order asks for itself anew when the order stands elsewhere. Without this script it does so by itself
// every few seconds.
"use strict";
(() => {
  const place = () => document.querySelector("[data-news]");
  if (!place() || !window.EventSource) return;
  const news = new EventSource(place().dataset.news);
  // Nobody is interrupted who is about to do something on the page.
  const isBusy = () => document.querySelector("main details[open], main form :focus") !== null;
  const renew = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceChildren(...fresh.querySelector("main").childNodes);
    document.dispatchEvent(new Event("renewed"));
    if (!place()) news.close();
  };
  news.addEventListener("moved", async (event) => {
    const { words } = JSON.parse(event.data);
    if (!isBusy()) await renew();
    const said = document.querySelector("#said");
    if (said) said.textContent = words;
  });
  news.onerror = () => {
    // It was refused, or there is nothing more to come.
    if (news.readyState === EventSource.CLOSED && place()) setTimeout(() => location.reload(), 30000);
  };
})();
