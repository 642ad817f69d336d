export default function Page() { return <div className="page"><h1>sources</h1></div>; }
