import { Button, CopyButton, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Action } from "../parts/action.tsx";
import { BothTimes } from "../parts/time.tsx";

interface Link {
  token: string;
  url?: string | undefined;
  expiresAt: string;
}

/** Makes a link for a client. The link is a secret: it can be copied, and is not shown. */
export function PortalLink({ clientId }: { clientId: string }) {
  const [link, setLink] = useState<Link>();
  return (
    <>
      <Action
        route="POST /v1/operator/clients/{clientId}/portal-link"
        label="Portal link"
        about="Whoever has the link sees this client's records for 15 minutes, without secrets, and may resend its deliveries."
        params={{ clientId }}
        done={() => "The link is made."}
        onDone={setLink}
      />
      <Modal opened={link !== undefined} onClose={() => setLink(undefined)} title="Portal link">
        {link !== undefined && (
          <Stack>
            <Text size="sm">
              It is a secret, so it is not shown. It ends <BothTimes at={link.expiresAt} />.
            </Text>
            <Group>
              <CopyButton value={link.url ?? `${location.origin}/portal#${link.token}`}>
                {({ copied, copy }) => (
                  <Button onClick={copy}>{copied ? "Copied" : "Copy the link"}</Button>
                )}
              </CopyButton>
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  );
}
