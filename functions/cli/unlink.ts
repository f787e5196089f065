import type { Command } from 'commander';
import * as z from 'zod';
import type { CliContext } from './context.ts';

const optionsShape = z.object({ undo: z.boolean().default(false) });

/** `percorso unlink A B`: two identifiers are not one person's, whatever an event says. */
export function register(program: Command, context: CliContext): void {
  program
    .command('unlink')
    .description('take the link of two identifiers out, from the next build on')
    .argument('<identifier>', 'an e-mail address, a phone number, crm_id:123, or a keyed hash of identity_links')
    .argument('<other>', 'the other end of the link')
    .option('--undo', 'let the link count again')
    .action(async (first: string, second: string, given: unknown) => {
      const { undo } = optionsShape.parse(given);
      const company = await context.company();
      const [{ createIdentifiers }, { hashOfIdentifier }, { undoUnlink, unlink }] = await Promise.all([
        import('#core/identifiers'),
        import('#core/named-identifier'),
        import('#pipeline/people/unlinks'),
      ]);
      const key = await company.identifierKey();
      const identifiers = createIdentifiers(key, company.config.country);
      const [a, b] = [hashOfIdentifier(first, identifiers), hashOfIdentifier(second, identifiers)];
      const changed = undo
        ? await undoUnlink(company.lake, a, b, key)
        : await unlink(company.lake, a, b, context.now(), key);
      if (context.json) context.stdout(`${JSON.stringify({ identifier_a: a, identifier_b: b, undo, changed })}\n`);
      const said = undo
        ? changed
          ? 'The link counts again'
          : 'That link had not been taken out'
        : changed
          ? 'The link is taken out'
          : 'That link was taken out before';
      context.stderr(`${said}: ${a} and ${b}.\n`);
      if (changed) {
        context.stderr('`percorso build` brings it into the figures.\n');
        if (!undo)
          context.stderr(
            'Where other links tie the two together, they stay one person: `percorso explain person` shows them.\n',
          );
      }
    });
}
