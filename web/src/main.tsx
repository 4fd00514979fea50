import 'uplot/dist/uPlot.min.css';
import { render } from 'preact';
import { App } from './App';
import './lib/theme';
import { restore } from './lib/session';
import { startToasts } from './parts/Toasts';

render(<App />, document.getElementById('app')!);
startToasts();
void restore();
