import { Badge } from "@mantine/core";

/** Colours repeat what the word says; the word is always there. */
const colours: Readonly<Record<string, string>> = {
  ...of("teal", ["SUCCEEDED", "delivered", "active", "OK", "done", "closed"]),
  ...of("red", ["FAILED", "failed", "ALARM", "page", "open", "incomplete"]),
  ...of("orange", ["UNKNOWN", "ACTION_REQUIRED", "disabled", "paused", "ticket", "refused"]),
  ...of("blue", ["RUNNING", "SUBMITTING", "running", "delivering"]),
  ...of("violet", ["QUEUED", "SCHEDULED", "waiting"]),
};

function of(colour: string, words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => [word, colour]));
}

export function Status({ value, label = value }: { value: string; label?: string }) {
  return (
    <Badge variant="dot" color={colours[value] ?? "gray"} tt="none" fw={500} miw="max-content">
      {label}
    </Badge>
  );
}
