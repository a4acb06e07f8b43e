import { defineConfig } from "vitepress";
import { contents } from "../../docs/contents.ts";

/** A page's address: that of its file, and a folder's for its README. */
const addressOf = (path: string) =>
  `/${path.replace(/(^|\/)README\.md$/, "$1").replace(/\.md$/, "")}`;

const groups = contents();
const sections: Readonly<Record<string, string>> = {
  "docs/runbooks/": "Runbooks",
  "docs/decisions/": "Decisions",
  "functions/": "Functions",
};

/** The pages of a group; those of a large folder are behind a heading of their own. */
function itemsOf(group: (typeof groups)[number]) {
  const linkTo = ({ path, title }: { path: string; title: string }) => ({
    text: title,
    link: addressOf(path),
  });
  const sectionOf = (path: string) => Object.keys(sections).find((start) => path.startsWith(start));
  const folded = Map.groupBy(group.pages, ({ path }) => sectionOf(path));
  return [...folded].flatMap(([section, members]) =>
    section === undefined
      ? members.map(linkTo)
      : [{ text: sections[section], collapsed: true, items: members.map(linkTo) }],
  );
}

export default defineConfig({
  title: "Ackwire",
  description: "Serverless event pipeline for AWS",
  srcDir: ".pages",
  cleanUrls: true,
  rewrites: (path) => path.replace(/(^|\/)README\.md$/, "$1index.md"),
  markdown: {
    config(markdown) {
      // Files of the repository that are no pages are named, and not linked.
      markdown.core.ruler.push("repository-links", ({ tokens }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === "link_open" ? String(token.attrGet("href")) : "";
          if (href === "" || /^(https?:|mailto:|#)/.test(href)) continue;
          token.attrSet("href", href.replace(/(^|\/)README\.md(#|$)/, "$1index.md$2"));
          if (!/\.(md|json)(#|$)/.test(href)) token.attrSet("href", "#");
        }
      });
    },
  },
  themeConfig: {
    sidebar: groups.map((group) => ({ text: group.title, items: itemsOf(group) })),
    search: { provider: "local" },
    outline: { level: [2, 3] },
  },
});
