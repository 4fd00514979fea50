import 'uplot/dist/uPlot.min.css';
import { render } from 'preact';
import { App } from './App';
import './lib/theme';
import { restore } from './lib/session';

render(<App />, document.getElementById('app')!);
void restore();
