export default function Page() { return <div className="page"><h1>attack</h1></div>; }
