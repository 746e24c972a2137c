import { Manifest } from '../contract/manifest.ts';

/** Where a model's files come from: a folder, Workers assets. */
export interface ModelFiles {
  /** The file's bytes, or undefined where there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
}

/** A model's file is missing or is not what the manifest says; `file` names it. */
export class ModelFileError extends Error {
  override readonly name = 'ModelFileError';
  readonly file: string;

  constructor(file: string, problem: string) {
    super(`${file}: ${problem}`);
    this.file = file;
  }
}

/**
 * The manifest of a model.
 * @throws ModelFileError where it is missing, no JSON, or breaks docs/model-format.md
 */
export async function readManifest(files: ModelFiles): Promise<Manifest> {
  const bytes = await files.read('manifest.json');
  if (!bytes) throw new ModelFileError('manifest.json', 'missing');
  const parsed = Manifest.safeParse(parseJson(bytes));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new ModelFileError('manifest.json', problems.join('; '));
}

/**
 * A file that the manifest lists, checked for size and SHA-256.
 * @throws ModelFileError where it is missing or differs
 */
export async function readChecked(files: ModelFiles, manifest: Manifest, name: string): Promise<Uint8Array> {
  const expected = manifest.files[name];
  if (!expected) throw new ModelFileError(name, 'not listed in the manifest');
  const bytes = await files.read(name);
  if (!bytes) throw new ModelFileError(name, 'missing');
  if (bytes.byteLength !== expected.bytes) {
    throw new ModelFileError(name, `has ${bytes.byteLength} bytes, the manifest says ${expected.bytes}`);
  }
  const sha256 = await sha256Hex(bytes);
  if (sha256 !== expected.sha256) {
    throw new ModelFileError(name, `has SHA-256 ${sha256}, the manifest says ${expected.sha256}`);
  }
  return bytes;
}

/** SHA-256 in hexadecimal. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new ModelFileError('manifest.json', `no JSON: ${(error as Error).message}`);
  }
}
