export default function Page() { return <div className="page"><h1>rule</h1></div>; }
