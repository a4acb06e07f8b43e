import { Box, Code, DataList } from "@mantine/core";
import type { ReactNode } from "react";
import { Copy } from "./id.tsx";

/** Names and values; what is absent is left out. */
export function Facts({ of }: { of: Readonly<Record<string, ReactNode>> }) {
  return (
    <DataList labelWidth={150} gap="xs">
      {Object.entries(of)
        .filter(([, value]) => value !== undefined && value !== "" && value !== false)
        .map(([name, value]) => (
          <DataList.Item key={name}>
            <DataList.ItemLabel>{name}</DataList.ItemLabel>
            <DataList.ItemValue style={{ overflowWrap: "anywhere", minWidth: 0 }}>
              {value}
            </DataList.ItemValue>
          </DataList.Item>
        ))}
    </DataList>
  );
}

/** A text of a machine: JSON is indented unless it must be shown byte for byte. */
export function Text({
  text,
  label,
  isExact = false,
}: {
  text: string;
  label: string;
  isExact?: boolean;
}) {
  return (
    <Box pos="relative">
      <Code
        block
        // It scrolls, so the keyboard must reach it.
        tabIndex={0}
        role="group"
        aria-label={label}
        style={{
          maxHeight: 420,
          overflow: "auto",
          whiteSpace: "pre-wrap",
          overflowWrap: "anywhere",
        }}
      >
        {isExact ? text : indented(text)}
      </Code>
      <Box pos="absolute" top={6} right={6}>
        <Copy value={text} what={label} />
      </Box>
    </Box>
  );
}

export function Json({ value, label }: { value: unknown; label: string }) {
  return <Text text={JSON.stringify(value, null, 2)} label={label} />;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
