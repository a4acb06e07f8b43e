import { documents, textOf } from "./tree.ts";

/** A command line in a document. */
export interface DocumentedCommand {
  document: string;
  line: string;
}

/** The changelog names commands of earlier versions. */
const pages = documents.filter((path) => path !== "CHANGELOG.md");

/** The command lines of the shell blocks and of the inline code of a document. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = ""]) => block);
  const lines = blocks.flatMap((block) => block.replaceAll(/\\\n */g, "").split("\n"));
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  const inline = [...prose.matchAll(/`((?:npx|npm) [^`]+)`/g)].map(([, code = ""]) => code);
  return [...lines, ...inline]
    .flatMap((line) => line.split(/ && |\||\$\(|\)/))
    .map((line) =>
      line
        .replace(/\s#.*$/, "")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    .map((line) => line.replace(/^([A-Z_]+=\S+ )+/, ""));
}

/** The words of a command line, without their quotes. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
}

/** `…` alone stands for what the reader adds, and capitals for a command of the reader's choice. */
const isPattern = (line: string) => / …( |$)|\b(COMMAND|X)\b/.test(line);

const named: DocumentedCommand[] = pages.flatMap((document) =>
  commandsIn(textOf(document)).map((line) => ({ document, line })),
);
/** The command lines of the documents that begin so, and that are no patterns. */
export const documentedCommands = (words: string): DocumentedCommand[] =>
  named.filter(({ line }) => line.startsWith(words) && !isPattern(line));
