import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type Field, type ModelVersion } from '../api/generated';
import { formatBytes, formatNumber, shortDigest } from './format';
import { Facts, Part, Table } from './table';

interface IOverviewProps {
  version: ModelVersion;
  trans: TranslationBundle;
  onOpen: (reference: string) => void;
}

/** What a version is and what it was made of. */
export function Overview({ version, trans, onOpen }: IOverviewProps): React.ReactElement {
  const metrics = Object.entries(version.metrics);
  const parameters = Object.entries(version.parameters);
  return (
    <div className="mlx-Columns">
      <div>
        <Part title={trans.__('Metrics')}>
          {metrics.length ? (
            <Table
              caption={trans.__('Metrics')}
              head={[trans.__('Metric'), trans.__('Value')]}
              numeric={[1]}
              rows={metrics.map(([name, value]) => [name, formatNumber(value)])}
            />
          ) : (
            <p className="mlx-Muted">{trans.__('None were given when it was registered.')}</p>
          )}
        </Part>
        {parameters.length > 0 && (
          <Part title={trans.__('Parameters')}>
            <Table
              caption={trans.__('Parameters')}
              head={[trans.__('Parameter'), trans.__('Value')]}
              numeric={[1]}
              rows={parameters}
            />
          </Part>
        )}
      </div>
      <div>
        <Part title={trans.__('Made of')}>
          <Origins version={version} trans={trans} onOpen={onOpen} />
        </Part>
        <Part title={trans.__('Signature')}>
          <Fields title={trans.__('Takes')} fields={version.signature.inputs} />
          <Fields title={trans.__('Gives')} fields={version.signature.outputs} />
        </Part>
        <Part title={trans.__('Files')}>
          <Table
            caption={trans.__('Files')}
            head={[trans.__('File'), trans.__('Size'), trans.__('Digest')]}
            numeric={[1]}
            rows={version.files.map(file => [
              file.path,
              formatBytes(file.size),
              <code key="digest" title={file.digest}>
                {shortDigest(file.digest)}
              </code>
            ])}
          />
        </Part>
      </div>
    </div>
  );
}

function Origins({ version, trans, onOpen }: IOverviewProps): React.ReactElement {
  const { git, lock } = version;
  const tags = Object.entries(version.tags);
  return (
    <Facts
      items={[
        [
          trans.__('Data'),
          version.inputs.length
            ? version.inputs.map(input => (
                <button
                  key={input}
                  className="mlx-Link"
                  onClick={() => {
                    onOpen(fullReference(input));
                  }}
                >
                  {input.replace(/^dataset:/, '')}
                </button>
              ))
            : null
        ],
        [trans.__('Flavor'), version.flavor],
        [trans.__('Run'), version.run && <code>{version.run}</code>],
        [trans.__('Commit'), git && <code>{git.commit.slice(0, 10) + (git.branch && ` (${git.branch})`)}</code>],
        [trans.__('Uncommitted changes'), git?.dirty ? trans.__('yes, kept as a diff') : null],
        [trans.__('Python'), lock?.python],
        [
          trans.__('Packages'),
          lock && trans._n('%1 locked version', '%1 locked versions', Object.keys(lock.packages).length)
        ],
        [
          trans.__('Digest'),
          <code key="digest" title={version.digest}>
            {shortDigest(version.digest)}
          </code>
        ],
        [trans.__('Must be trusted to load'), version.trust.join(', ')],
        [trans.__('Tags'), tags.map(([name, value]) => `${name}: ${value}`).join(', ')]
      ]}
    />
  );
}

function Fields({ title, fields }: { title: string; fields: readonly Field[] }): React.ReactElement {
  return (
    <p className="mlx-Fields">
      <span className="mlx-Muted">{title}</span>{' '}
      {fields.length
        ? fields.map(field => (
            <span key={field.name} className="mlx-Field">
              {field.name} <em>{field.type}</em>
            </span>
          ))
        : '–'}
    </p>
  );
}

function fullReference(input: string): string {
  return input.includes(':') ? input : `dataset:${input}`;
}
