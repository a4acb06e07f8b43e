import { ActionIcon, Anchor, CopyButton, Group, Tooltip } from "@mantine/core";
import { Link } from "react-router";
import { CheckIcon, CopyIcon } from "./icons.tsx";

/** Longer ids are shortened in lists; copying always takes all of it. */
const SHORT = 14;

/** An id that can be copied, and leads to its page where it has one. */
export function Id({
  id,
  to,
  isShort = false,
}: {
  id: string;
  to?: string | undefined;
  isShort?: boolean;
}) {
  const text = isShort && id.length > SHORT + 2 ? `${id.slice(0, SHORT)}…` : id;
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex" maw="100%">
      {to === undefined ? (
        <span className="ackwire-id" title={id} data-short={isShort || undefined}>
          {text}
        </span>
      ) : (
        <Anchor
          component={Link}
          to={to}
          className="ackwire-id"
          title={id}
          data-short={isShort || undefined}
          underline="always"
        >
          {text}
        </Anchor>
      )}
      <Copy value={id} what={id} />
    </Group>
  );
}

export function Copy({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : "Copy"}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={copy}
            aria-label={copied ? "Copied" : `Copy ${what}`}
          >
            {copied ? <CheckIcon /> : <CopyIcon />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
