// What comes from the server goes into the page as text, never as HTML.

export const $ = (selector, root = document) => root.querySelector(selector);
export const fromTemplate = (id) => $(`#${id}`).content.firstElementChild.cloneNode(true);
