/** A member of the outermost object and its position in the text. */
export interface JsonMember {
  key: string;
  /** Index of the key's opening quote. */
  start: number;
  /** Index after the value. */
  end: number;
}

/**
 * Returns the members of the outermost object in their order, duplicates
 * included. The text must be valid JSON with an object at the top.
 */
export function topLevelMembers(text: string): JsonMember[] {
  const members: JsonMember[] = [];
  let depth = 0;
  let keyStart = -1;
  let key: string | undefined;
  const close = (end: number) => {
    if (key !== undefined) members.push({ key, start: keyStart, end: trimEnd(text, end) });
    key = undefined;
    keyStart = -1;
  };
  for (let at = text.indexOf("{"); at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && keyStart === -1) {
        keyStart = at;
        key = JSON.parse(text.slice(at, end)) as string;
      }
      at = end - 1;
    } else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") {
      if (--depth === 0) close(at);
    } else if (char === "," && depth === 1) close(at);
  }
  return members;
}

/**
 * Returns the text without one member and its comma: the text that a sender
 * signed before it added the signature as a member.
 */
export function withoutMember(text: string, member: JsonMember): string {
  const commaBefore = lastCommaBefore(text, member.start);
  if (commaBefore !== -1) return text.slice(0, commaBefore) + text.slice(member.end);
  const rest = text.slice(member.end);
  return text.slice(0, member.start) + rest.replace(/^\s*,\s*/, "");
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function trimEnd(text: string, end: number): number {
  let at = end;
  while (at > 0 && " \t\r\n".includes(text[at - 1] ?? "x")) at--;
  return at;
}

function lastCommaBefore(text: string, start: number): number {
  const at = trimEnd(text, start) - 1;
  return text[at] === "," ? at : -1;
}

/** Returns the object as JSON text with one more member, whose value is given as JSON text. */
export function withMember(value: object, name: string, text: string | undefined): string {
  const json = JSON.stringify(value);
  if (text === undefined) return json;
  const separator = json === "{}" ? "" : ",";
  return `${json.slice(0, -1)}${separator}${JSON.stringify(name)}:${text}}`;
}
