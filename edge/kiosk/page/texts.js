/**
 * Every text of the page, once, in each language.
 *
 * The table is plain JSON between the braces, so that a test can read it without a browser.
 * A model's labels and the service's own messages are not here: they are shown as they are.
 */
export const TEXTS = {
  "app.title": { "en": "edgedx kiosk", "zh": "edgedx 智能分析终端" },
  "app.notice": {
    "en": "Research software, not a medical device",
    "zh": "本软件仅供科研使用，不是医疗器械"
  },
  "app.language": { "en": "Language", "zh": "语言" },

  "state.answered": { "en": "Answer", "zh": "分析结果" },
  "state.no_result": { "en": "No result", "zh": "无结果" },
  "state.waiting": { "en": "Waiting for the first picture", "zh": "等待首幅图像" },
  "state.connecting": { "en": "Connecting to the service", "zh": "正在连接服务" },
  "state.lost": { "en": "Connection to the service lost", "zh": "与服务的连接已中断" },
  "state.denied": { "en": "This screen has no access", "zh": "本屏幕没有访问权限" },
  "hint.waiting": {
    "en": "The first answer is shown as soon as there is a picture.",
    "zh": "收到图像后，将自动显示结果。"
  },
  "hint.connecting": { "en": "This takes a moment.", "zh": "请稍候。" },
  "hint.lost": {
    "en": "No answer is shown. The page connects again by itself.",
    "zh": "当前不显示任何结果。页面将自动重新连接。"
  },
  "hint.denied": {
    "en": "Enter the token of the service.",
    "zh": "请输入服务的访问令牌。"
  },
  "token.name": { "en": "Token", "zh": "访问令牌" },
  "token.enter": { "en": "Enter", "zh": "确认" },
  "token.wrong": {
    "en": "The service does not take this token.",
    "zh": "服务不接受该令牌。"
  },

  "gate.black": { "en": "The picture is black.", "zh": "图像全黑。" },
  "hint.black": {
    "en": "Check that the lens is uncovered and that there is light.",
    "zh": "请检查镜头盖是否已取下、照明是否已打开。"
  },
  "gate.saturated": { "en": "The picture is too bright.", "zh": "图像过亮（过度曝光）。" },
  "hint.saturated": {
    "en": "Lower the light or the camera's exposure.",
    "zh": "请调低照明或减小摄像头的曝光。"
  },
  "gate.even": {
    "en": "The picture shows nothing: it is the same everywhere.",
    "zh": "画面单一均匀，没有可分析的内容。"
  },
  "hint.even": {
    "en": "Check that the lens is uncovered and that the subject is in view.",
    "zh": "请确认镜头未被遮挡，且被拍摄对象位于画面中。"
  },
  "gate.frozen": { "en": "The picture is frozen.", "zh": "画面已静止，不再更新。" },
  "hint.frozen": {
    "en": "Check the camera and its cable.",
    "zh": "请检查摄像头及其连接线。"
  },
  "gate.torn": { "en": "The picture is damaged.", "zh": "图像残缺或损坏。" },
  "hint.torn": {
    "en": "Check the camera's cable and plugs.",
    "zh": "请检查摄像头的连接线和接口。"
  },
  "gate.stale": { "en": "The picture came too late.", "zh": "图像到达过晚，已不是当前画面。" },
  "hint.stale": {
    "en": "The device or its connection is slow. Wait a moment.",
    "zh": "设备繁忙或连接缓慢，请稍候。"
  },
  "gate.input": {
    "en": "The picture does not suit this model.",
    "zh": "图像不符合该模型的输入要求。"
  },
  "hint.input": {
    "en": "Show the kind of picture that the model was made for.",
    "zh": "请提供该模型适用类型的图像。"
  },
  "gate.engine": { "en": "The model failed on this picture.", "zh": "模型未能分析该图像。" },
  "hint.engine": {
    "en": "If this does not go away, call technical support.",
    "zh": "如持续出现，请联系技术支持。"
  },
  "gate.journal": {
    "en": "The answer could not be recorded, so it is not shown.",
    "zh": "结果无法写入日志，因此不予显示。"
  },
  "hint.journal": {
    "en": "The storage may be full or broken. Call technical support.",
    "zh": "存储空间可能已满或发生故障，请联系技术支持。"
  },
  "gate.source": { "en": "The camera is not connected.", "zh": "摄像头未连接。" },
  "hint.source": {
    "en": "Check the camera, its cable and its power. It is picked up again by itself.",
    "zh": "请检查摄像头、连接线和电源。恢复连接后将自动继续。"
  },
  "gate.worker": { "en": "The analysis is being started.", "zh": "分析程序正在启动。" },
  "hint.worker": {
    "en": "This takes a moment. Nothing needs to be done.",
    "zh": "请稍候，无需任何操作。"
  },
  "gate.old": { "en": "The last answer is too old to be shown.", "zh": "上一次结果已过时，不再显示。" },
  "hint.old": {
    "en": "The next answer is shown as soon as there is one.",
    "zh": "有新的结果时将自动显示。"
  },
  "gate.update": { "en": "The model is being updated.", "zh": "正在更新模型。" },
  "hint.update": {
    "en": "This takes a moment. Nothing needs to be done.",
    "zh": "请稍候，无需任何操作。"
  },
  "gate.unknown": { "en": "There is no answer for this picture.", "zh": "当前图像没有结果。" },
  "hint.unknown": { "en": "Details says more.", "zh": "更多信息请查看“详情”。" },
  "gate.unreadable": {
    "en": "This page does not understand the service.",
    "zh": "页面无法识别服务返回的数据。"
  },
  "hint.unreadable": { "en": "Load the page anew.", "zh": "请重新加载页面。" },
  "nothing.reason": { "en": "Reported: {reason}", "zh": "系统信息：{reason}" },

  "answer.mostLikely": { "en": "Most likely", "zh": "最可能为" },
  "answer.certainty": { "en": "The model's certainty", "zh": "模型置信度" },
  "answer.score": { "en": "The model's score (not a probability)", "zh": "模型得分（并非概率）" },
  "answer.others": { "en": "Other possibilities", "zh": "其他可能" },
  "answer.more": { "en": "and {n} more", "zh": "另有 {n} 项" },
  "answer.scroll": { "en": "Show the rest", "zh": "查看其余内容" },
  "answer.finding": { "en": "1 finding over its threshold", "zh": "检出 1 项（达到判定阈值）" },
  "answer.findings": {
    "en": "{n} findings over their thresholds",
    "zh": "检出 {n} 项（达到判定阈值）"
  },
  "answer.noFinding": {
    "en": "No finding over its threshold",
    "zh": "无项目\u200b达到判定阈值"
  },
  "answer.noFindingHint": {
    "en": "This does not rule out disease.",
    "zh": "不能据此排除疾病。"
  },
  "answer.below": { "en": "Below the threshold", "zh": "未达到判定阈值" },
  "answer.threshold": { "en": "threshold {n}", "zh": "阈值 {n}" },
  "answer.value": { "en": "Estimated by the model", "zh": "模型估计值" },

  "number.percent": { "en": "{n} %", "zh": "{n}%" },
  "number.milliseconds": { "en": "{n} ms", "zh": "{n} ms" },
  "number.seconds": { "en": "{n} s", "zh": "{n} 秒" },
  "number.none": { "en": "–", "zh": "–" },

  "measure.inference": { "en": "Inference", "zh": "推理耗时" },
  "measure.captureToAnswer": { "en": "Capture to answer", "zh": "采集至结果" },
  "measure.age": { "en": "Age of the answer", "zh": "距采集时间" },
  "measure.model": { "en": "Model", "zh": "模型" },

  "preview.title": { "en": "Picture of the camera", "zh": "摄像头画面" },
  "preview.live": { "en": "Live", "zh": "实时画面" },
  "preview.unusable": { "en": "Live, not usable", "zh": "实时画面，不可用" },
  "preview.alt": { "en": "Live picture of the camera", "zh": "摄像头实时画面" },
  "preview.older": { "en": "Picture, {duration} old", "zh": "{duration}前的图像" },
  "preview.none": { "en": "No live picture", "zh": "无实时画面" },

  "details.open": { "en": "Details", "zh": "详情" },
  "details.close": { "en": "Close", "zh": "关闭" },
  "details.model": { "en": "Model", "zh": "模型" },
  "details.health": { "en": "State of the kiosk", "zh": "终端状态" },
  "details.events": { "en": "Recent events", "zh": "近期事件" },
  "details.keys": { "en": "Keys", "zh": "快捷键" },
  "details.noModel": { "en": "No model is loaded yet.", "zh": "尚未加载模型。" },
  "details.noHealth": { "en": "The service does not answer.", "zh": "服务没有响应。" },
  "details.noEvents": { "en": "Nothing has been reported.", "zh": "暂无事件。" },

  "card.name": { "en": "Name", "zh": "名称" },
  "card.version": { "en": "Version", "zh": "版本" },
  "card.digest": { "en": "Digest (SHA-256)", "zh": "摘要（SHA-256）" },
  "card.task": { "en": "Task", "zh": "任务" },
  "card.intendedUse": { "en": "Intended use", "zh": "预期用途" },
  "card.limits": { "en": "Limits", "zh": "局限性" },
  "card.licence": { "en": "Licence", "zh": "许可证" },
  "card.engine": { "en": "Engine", "zh": "推理引擎" },
  "card.precision": { "en": "Precision", "zh": "数值精度" },
  "card.artifact": { "en": "Model file", "zh": "模型文件" },
  "card.output": { "en": "Output {name}", "zh": "输出 {name}" },
  "card.selftest": { "en": "Self-test", "zh": "自检" },
  "selftest.passed": { "en": "passed", "zh": "通过" },
  "selftest.failed": { "en": "failed", "zh": "未通过" },
  "selftest.none": { "en": "not done", "zh": "未进行" },
  "kind.classification": { "en": "one of", "zh": "单项分类" },
  "kind.multilabel": { "en": "any number of", "zh": "多项判定" },
  "kind.regression": { "en": "a value", "zh": "数值估计" },

  "health.status": { "en": "Status", "zh": "总体状态" },
  "health.ok": { "en": "in order", "zh": "正常" },
  "health.degraded": { "en": "runs, but gives no results", "zh": "运行中，暂不提供结果" },
  "health.down": { "en": "out of order", "zh": "停止工作" },
  "health.problem": { "en": "Problem", "zh": "问题" },
  "health.source": { "en": "Camera", "zh": "摄像头" },
  "health.frames": { "en": "Pictures", "zh": "图像" },
  "health.framesCounted": {
    "en": "{captured} captured, {dropped} dropped",
    "zh": "已采集 {captured} 幅，已丢弃 {dropped} 幅"
  },
  "health.attempts": { "en": "attempts to connect: {n}", "zh": "已尝试连接 {n} 次" },
  "health.since": { "en": "{state}, for {duration}", "zh": "{state}，已持续 {duration}" },
  "health.worker": { "en": "Analysis", "zh": "分析程序" },
  "health.restarts": { "en": "restarts: {n}", "zh": "已重启 {n} 次" },
  "health.journal": { "en": "Journal", "zh": "日志" },
  "health.entries": { "en": "newest entry {n}, {mib} MiB", "zh": "最新条目 {n}，{mib} MiB" },
  "health.update": { "en": "Model slot", "zh": "模型槽位" },
  "health.trialLeft": { "en": "{duration} left", "zh": "剩余 {duration}" },
  "health.service": { "en": "Service", "zh": "服务" },
  "source.opening": { "en": "connecting", "zh": "正在连接" },
  "source.open": { "en": "connected", "zh": "已连接" },
  "source.lost": { "en": "lost", "zh": "已断开" },
  "source.ended": { "en": "ended", "zh": "已结束" },
  "source.none": { "en": "none", "zh": "无" },
  "worker.starting": { "en": "starting", "zh": "正在启动" },
  "worker.ready": { "en": "ready", "zh": "就绪" },
  "worker.stopped": { "en": "stopped", "zh": "已停止" },
  "journal.ok": { "en": "in order", "zh": "正常" },
  "journal.failing": { "en": "cannot be written", "zh": "无法写入" },
  "journal.off": { "en": "switched off", "zh": "已关闭" },
  "update.none": { "en": "not in use", "zh": "未使用" },
  "update.confirmed": { "en": "confirmed", "zh": "已确认" },
  "update.trial": { "en": "on trial", "zh": "试运行" },
  "duration.seconds": { "en": "{n} s", "zh": "{n} 秒" },
  "duration.minutes": { "en": "{n} min", "zh": "{n} 分钟" },
  "duration.hours": { "en": "{n} h", "zh": "{n} 小时" },
  "duration.days": { "en": "{n} days", "zh": "{n} 天" },

  "level.info": { "en": "Information", "zh": "信息" },
  "level.warning": { "en": "Warning", "zh": "警告" },
  "level.error": { "en": "Error", "zh": "错误" },

  "keys.details": { "en": "Details, open and close", "zh": "打开或关闭详情" },
  "keys.language": { "en": "Other language", "zh": "切换语言" },
  "keys.close": { "en": "Close details", "zh": "关闭详情" },
  "keys.move": { "en": "Next control", "zh": "移到下一个控件" },
  "keys.escape": { "en": "Esc", "zh": "Esc" },
  "keys.tab": { "en": "Tab", "zh": "Tab" }
};
