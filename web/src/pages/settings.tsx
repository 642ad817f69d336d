export default function Page() { return <div className="page"><h1>settings</h1></div>; }
