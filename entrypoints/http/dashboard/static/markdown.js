// Markdown as elements, never as markup: what a model writes cannot become code of the page.
const INLINE = /(`[^`\n]+`)|(\*\*[^*\n]+\*\*)|(\*[^*\s][^*\n]*\*)/g;

const made = (tag, text = "", className = "") => {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
};

const inline = (target, text) => {
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    target.append(text.slice(at, found.index));
    const [whole, code, bold] = found;
    target.append(code ? made("code", whole.slice(1, -1)) : bold ? made("strong", whole.slice(2, -2)) : made("em", whole.slice(1, -1)));
    at = found.index + whole.length;
  }
  target.append(text.slice(at));
  return target;
};

export const markdown = (text) => {
  const parts = [];
  let list = null;
  let paragraph = null;
  const lines = text.split("\n");
  for (let n = 0; n < lines.length; n += 1) {
    const line = lines[n];
    const fence = line.match(/^\s*(```+)/);
    if (fence) {
      const code = [];
      while (++n < lines.length && !lines[n].trimStart().startsWith(fence[1])) code.push(lines[n]);
      const block = made("pre");
      block.tabIndex = 0;
      block.append(made("code", code.join("\n")));
      parts.push(block);
      list = paragraph = null;
      continue;
    }
    const heading = line.match(/^(#{1,6})\s+(.*)/);
    const item = line.match(/^\s*(?:[-*+]|(\d+)[.)])\s+(.*)/);
    if (heading) {
      parts.push(inline(made("p", "", "play-heading"), heading[2]));
      list = paragraph = null;
    } else if (item) {
      const kind = item[1] ? "OL" : "UL";
      if (list?.nodeName !== kind) parts.push((list = made(kind)));
      if (kind === "OL" && !list.children.length) list.start = Number(item[1]);
      list.append(inline(made("li"), item[2]));
      paragraph = null;
    } else if (!line.trim()) {
      list = paragraph = null;
    } else {
      if (paragraph) paragraph.append("\n");
      else parts.push((paragraph = made("p")));
      list = null;
      inline(paragraph, line);
    }
  }
  return parts;
};
