import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type OutputPiece } from '../api/generated';
import { type FollowedOutput } from '../models/jobOutput';
import { jobState } from './lists';

interface IJobOutputProps {
  output: FollowedOutput;
  trans: TranslationBundle;
}

const ESCAPES = /\u001b\[[0-9;]*[A-Za-z]/g;
const NEAR = 24;

/** What a job prints, as it prints it: the end stays in sight unless the reader looked back. */
export function JobOutputLog({ output, trans }: IJobOutputProps): React.ReactElement | null {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  const box = React.useRef<HTMLPreElement>(null);
  const follows = React.useRef(true);
  React.useEffect(() => {
    output.changed.connect(redraw);
    return () => {
      output.changed.disconnect(redraw);
    };
  }, [output]);
  React.useLayoutEffect(() => {
    if (box.current && follows.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  const { pieces, state, error } = output;
  if (error) {
    return <p role="alert">{error.message}</p>;
  }
  if (!state) {
    return null;
  }
  return (
    <>
      <p className="mlx-Note" role="status">
        {jobState(state.status, trans)}
        {state.cells_total > 0 && ` · ${trans.__('cell %1 of %2', state.cells_done, state.cells_total)}`}
      </p>
      <pre
        className="mlx-Log"
        role="log"
        aria-label={trans.__('Output')}
        tabIndex={0}
        hidden={!pieces.length}
        ref={box}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          follows.current = scrollHeight - scrollTop - clientHeight < NEAR;
        }}
      >
        {pieces.map((piece, place) => (
          <React.Fragment key={piece.seq}>
            {piece.cell !== pieces[place - 1]?.cell && <span className="mlx-Log-cell">{`[${piece.cell}]\n`}</span>}
            <Piece piece={piece} />
          </React.Fragment>
        ))}
      </pre>
    </>
  );
}

function Piece({ piece }: { piece: OutputPiece }): React.ReactElement {
  const text = piece.text.replace(ESCAPES, '');
  const wrong = piece.stream === 'error' || piece.stream === 'stderr';
  return <span className={wrong ? 'mlx-mod-error' : undefined}>{text.endsWith('\n') ? text : `${text}\n`}</span>;
}
