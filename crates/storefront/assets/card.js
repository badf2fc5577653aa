// Stripe's field for a card, and the token that Stripe makes of what was typed there: that token is all that is sent to
// this shop. Without Stripe's script nothing can be sent.
(() => {
  "use strict";
  const form = document.getElementById("card-form");
  const button = form.querySelector("button");
  const error = document.getElementById("card-error");
  // A page that comes back out of the browser's memory has an attempt that was used.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
  if (typeof window.Stripe !== "function") {
    error.textContent = "Stripe's field for the card could not be loaded. Load this page again; nothing was paid.";
    return;
  }
  const stripe = window.Stripe(form.dataset.key);
  const card = stripe.elements().create("card");
  card.mount("#card");
  card.on("change", (change) => {
    error.textContent = change && change.error ? change.error.message : "";
  });
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    error.textContent = "";
    const nothing = "Stripe could not be asked. Try again; nothing was paid.";
    const made = await stripe.createPaymentMethod({ type: "card", card }).catch(() => ({}));
    if (made.paymentMethod) {
      form.elements.namedItem("method").value = made.paymentMethod.id;
      form.submit();
      return;
    }
    error.textContent = (made.error && made.error.message) || nothing;
    button.disabled = false;
  });
})();
